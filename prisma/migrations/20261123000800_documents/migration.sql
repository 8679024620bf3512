-- What an invoice's document says about the two parties, as it was when the invoice was finalized.

ALTER TABLE "tenant_settings" ADD COLUMN "seller_name" TEXT, ADD COLUMN "seller_address" TEXT, ADD COLUMN "seller_tax_id" TEXT,
  ADD COLUMN "seller_email" TEXT, ADD COLUMN "seller_note" TEXT;

-- A row of tenant_settings or customer as it stood until it was changed. The tables say what holds now; a document of an invoice that was finalized before
-- a change reads it here, so that the document of a finalized invoice never changes (SEMANTICS 8.2).
CREATE TABLE "party_history" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    -- The customer; the tenant itself for the seller.
    "party_id" UUID NOT NULL,
    "until" TIMESTAMPTZ(6) NOT NULL,
    "details" JSONB NOT NULL,

    CONSTRAINT "party_history_pkey" PRIMARY KEY ("tenant_id","id")
);
CREATE INDEX "party_history_tenant_id_party_id_until_idx" ON "party_history"("tenant_id", "party_id", "until");

SELECT tare_protect('party_history');
REVOKE UPDATE, DELETE ON party_history FROM tare_app;

-- Kept by the database: whoever changes a party, by whatever way, leaves what it was.
CREATE FUNCTION tare_keep_party() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  old_row jsonb := to_jsonb(OLD);
BEGIN
  IF old_row IS DISTINCT FROM to_jsonb(NEW) THEN
    INSERT INTO party_history (tenant_id, party_id, until, details)
    VALUES (OLD.tenant_id, coalesce((old_row ->> 'id')::uuid, OLD.tenant_id), clock_timestamp(), old_row);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER tenant_settings_history AFTER UPDATE ON tenant_settings FOR EACH ROW EXECUTE FUNCTION tare_keep_party();
CREATE TRIGGER customer_history AFTER UPDATE ON customer FOR EACH ROW EXECUTE FUNCTION tare_keep_party();
