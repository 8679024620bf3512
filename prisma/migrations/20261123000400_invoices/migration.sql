-- Credit notes, dated taxes of customers, numbers with a tenant's own prefix, and an invoice's life guarded by the database.

-- Numbers are counted on when the prefix changes: a series has no gap and no number twice (SEMANTICS 8.2).
ALTER TABLE tenant_settings
    ADD COLUMN "invoice_prefix" TEXT NOT NULL DEFAULT 'TARE',
    ADD COLUMN "credit_note_prefix" TEXT NOT NULL DEFAULT 'TARE-CN';

-- "voided_place": the place in the series of invoices that the next invoice would have had then. It says which invoices were finalized before, whatever
-- the clocks say. "replaces": the voided invoice whose periods it bills again. "purchase_id": the purchase of credits that a PREPAID invoice bills.
ALTER TABLE invoice
    ADD COLUMN "voided_place" INTEGER,
    ADD COLUMN "replaces" UUID,
    ADD COLUMN "purchase_id" UUID;
CREATE UNIQUE INDEX "invoice_tenant_id_purchase_id_key" ON invoice("tenant_id", "purchase_id");
CREATE UNIQUE INDEX "invoice_tenant_id_replaces_key" ON invoice("tenant_id", "replaces");

-- "place" as above; null where the invoice itself says it, because it was finalized with the entry.
ALTER TABLE customer_balance_entry
    ADD COLUMN "place" INTEGER,
    ADD COLUMN "credit_note_id" UUID;

-- How a customer is taxed from a time on. Rows are only ever added; of two for the same time the later one counts.
CREATE TABLE customer_tax (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "valid_from" TIMESTAMPTZ(6) NOT NULL,
    "rates" JSONB NOT NULL,
    "exempt" BOOLEAN NOT NULL DEFAULT false,
    "tax_id" TEXT,
    "credits_taxed" TEXT NOT NULL DEFAULT 'AT_PURCHASE',
    "recorded_at" TIMESTAMPTZ(6) NOT NULL DEFAULT clock_timestamp(),

    CONSTRAINT "customer_tax_pkey" PRIMARY KEY ("tenant_id","id")
);
CREATE INDEX "customer_tax_tenant_id_customer_id_valid_from_recorded_at_idx" ON customer_tax("tenant_id", "customer_id", "valid_from", "recorded_at");

CREATE TABLE credit_note (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "number" TEXT NOT NULL,
    "key" TEXT,
    "invoice_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "currency" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "settlement" TEXT NOT NULL,
    "subtotal" DECIMAL NOT NULL,
    "tax" DECIMAL NOT NULL DEFAULT 0,
    "total" DECIMAL NOT NULL,
    "off_invoice" DECIMAL NOT NULL,
    "settled" DECIMAL NOT NULL DEFAULT 0,
    "place" INTEGER NOT NULL,
    "finalized_at" TIMESTAMPTZ(6) NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "detail" JSONB NOT NULL,

    CONSTRAINT "credit_note_pkey" PRIMARY KEY ("tenant_id","id"),
    CONSTRAINT "credit_note_amounts" CHECK (subtotal >= 0 AND tax >= 0 AND total > 0 AND total = subtotal + tax AND off_invoice >= 0 AND settled >= 0
      AND total = off_invoice + settled)
);
CREATE UNIQUE INDEX "credit_note_tenant_id_number_key" ON credit_note("tenant_id", "number");
CREATE UNIQUE INDEX "credit_note_tenant_id_key_key" ON credit_note("tenant_id", "key");
CREATE INDEX "credit_note_tenant_id_invoice_id_idx" ON credit_note("tenant_id", "invoice_id");
CREATE INDEX "credit_note_tenant_id_customer_id_finalized_at_idx" ON credit_note("tenant_id", "customer_id", "finalized_at");
ALTER TABLE credit_note ADD CONSTRAINT "credit_note_tenant_id_invoice_id_fkey"
  FOREIGN KEY ("tenant_id", "invoice_id") REFERENCES invoice("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

CREATE TABLE credit_note_line (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "credit_note_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,
    "invoice_line_id" UUID NOT NULL,
    "description" TEXT NOT NULL,
    "quantity" DECIMAL,
    "amount" DECIMAL NOT NULL,

    CONSTRAINT "credit_note_line_pkey" PRIMARY KEY ("tenant_id","id"),
    CONSTRAINT "credit_note_line_positive" CHECK (amount > 0 AND (quantity IS NULL OR quantity > 0))
);
CREATE UNIQUE INDEX "credit_note_line_tenant_id_credit_note_id_position_key" ON credit_note_line("tenant_id", "credit_note_id", "position");
CREATE INDEX "credit_note_line_tenant_id_invoice_line_id_idx" ON credit_note_line("tenant_id", "invoice_line_id");
ALTER TABLE credit_note_line ADD CONSTRAINT "credit_note_line_tenant_id_credit_note_id_fkey"
  FOREIGN KEY ("tenant_id", "credit_note_id") REFERENCES credit_note("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- Announced for the sync, which takes them once it can send credit notes; apart from invoice_outbox, whose rows it takes today.
CREATE TABLE credit_note_outbox (
    "tenant_id" UUID NOT NULL,
    "credit_note_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "taken_at" TIMESTAMPTZ(6),

    CONSTRAINT "credit_note_outbox_pkey" PRIMARY KEY ("tenant_id","credit_note_id")
);

SELECT tare_protect('customer_tax');
SELECT tare_protect('credit_note');
SELECT tare_protect('credit_note_line');
SELECT tare_protect('credit_note_outbox');
-- A credit note never changes, like the invoice that it is for.
REVOKE UPDATE, DELETE ON customer_tax, credit_note, credit_note_line FROM tare_app;

-- What an invoice's status may become; from finalization on nothing else of it changes (SEMANTICS 8.2).
CREATE OR REPLACE FUNCTION tare_keep_final_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.status = 'DRAFT' THEN RETURN OLD; END IF;
    RAISE EXCEPTION 'invoice % is finalized and never changes', OLD.id USING ERRCODE = 'check_violation';
  END IF;
  IF OLD.status = 'DRAFT' THEN
    IF NEW.status IN ('DRAFT', 'FINALIZED', 'VOID') THEN RETURN NEW; END IF;
    RAISE EXCEPTION 'invoice % is a draft and cannot become %', OLD.id, NEW.status USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.status <> OLD.status AND NOT (
    (OLD.status = 'FINALIZED' AND NEW.status IN ('PAID', 'VOID', 'UNCOLLECTIBLE')) OR (OLD.status = 'UNCOLLECTIBLE' AND NEW.status = 'PAID')
  ) THEN
    RAISE EXCEPTION 'invoice % is % and cannot become %', OLD.id, OLD.status, NEW.status USING ERRCODE = 'check_violation';
  END IF;
  IF (OLD.number, OLD.kind, OLD.adjusts, OLD.customer_id, OLD.subscription_id, OLD.billing_at, OLD.sequence, OLD.currency, OLD.period_start, OLD.period_end,
      OLD.subtotal, OLD.discounts, OLD.credits_applied, OLD.tax, OLD.total, OLD.seen_seq, OLD.finalized_at, OLD.detail, OLD.replaces, OLD.purchase_id)
    IS NOT DISTINCT FROM
     (NEW.number, NEW.kind, NEW.adjusts, NEW.customer_id, NEW.subscription_id, NEW.billing_at, NEW.sequence, NEW.currency, NEW.period_start, NEW.period_end,
      NEW.subtotal, NEW.discounts, NEW.credits_applied, NEW.tax, NEW.total, NEW.seen_seq, NEW.finalized_at, NEW.detail, NEW.replaces, NEW.purchase_id)
  THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'invoice % is finalized and never changes', OLD.id USING ERRCODE = 'check_violation';
END $$;
