-- Corrections (SEMANTICS 3.5, docs/decisions/0015): an event is never edited, it is cancelled by a commit, and another may take its place.

-- The commit that cancelled the event; null for one that counts.
ALTER TABLE usage_event ADD COLUMN voided_seq BIGINT;

-- How often the key's event was amended, and the commit that voided it. Neither widens a row: they stand where alignment left room.
ALTER TABLE usage_event_key
  ADD COLUMN revision INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN voided_seq BIGINT;

-- One row for each event that was cancelled: its key and how often it had been amended before.
CREATE TABLE usage_correction (
    "tenant_id" UUID NOT NULL,
    "key_hash" UUID NOT NULL,
    "revision" INTEGER NOT NULL,
    "seq" BIGINT NOT NULL,
    "kind" TEXT NOT NULL,
    "content_hash" UUID NOT NULL,
    "customer_no" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(6) NOT NULL,
    "actor" TEXT NOT NULL,
    "reason" TEXT,
    "recorded_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "usage_correction_pkey" PRIMARY KEY ("tenant_id","key_hash","revision")
);
SELECT tare_protect('usage_correction');
-- The trail is only ever added to.
REVOKE UPDATE, DELETE ON usage_correction FROM tare_app;
