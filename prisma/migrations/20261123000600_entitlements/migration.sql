-- What happened once and is told to whoever wants to know: only ever added, once per dedupe key, by the transaction that knows it.
CREATE TABLE alert_event (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "type" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "dedupe_key" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "alert_event_pkey" PRIMARY KEY ("tenant_id","id")
);
CREATE UNIQUE INDEX "alert_event_tenant_id_dedupe_key_key" ON alert_event("tenant_id", "dedupe_key");
CREATE INDEX "alert_event_tenant_id_created_at_id_idx" ON alert_event("tenant_id", "created_at", "id");
CREATE INDEX "alert_event_tenant_id_subject_created_at_id_idx" ON alert_event("tenant_id", "subject", "created_at", "id");

SELECT tare_protect('alert_event');
REVOKE UPDATE, DELETE ON alert_event FROM tare_app;
