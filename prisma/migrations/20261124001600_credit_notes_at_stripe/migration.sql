-- How far a credit note has come on its way to Stripe; made once from credit_note_outbox, like stripe_sync from invoice_outbox.
CREATE TABLE stripe_credit_note_sync (
    "tenant_id" UUID NOT NULL,
    "credit_note_id" UUID NOT NULL,
    "invoice_id" UUID NOT NULL,
    "step" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "generation" INTEGER NOT NULL DEFAULT 0,
    "stripe_credit_note_id" TEXT,
    "request" JSONB,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "next_attempt_at" TIMESTAMPTZ(6) NOT NULL,
    "lease_until" TIMESTAMPTZ(6),
    "lease_owner" TEXT,
    "error_code" TEXT,
    "last_error" TEXT,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "stripe_credit_note_sync_pkey" PRIMARY KEY ("tenant_id","credit_note_id")
);
CREATE INDEX "stripe_credit_note_sync_tenant_id_next_attempt_at_idx" ON stripe_credit_note_sync("tenant_id", "next_attempt_at");
CREATE INDEX "stripe_credit_note_sync_tenant_id_invoice_id_idx" ON stripe_credit_note_sync("tenant_id", "invoice_id");

SELECT tare_protect('stripe_credit_note_sync');
