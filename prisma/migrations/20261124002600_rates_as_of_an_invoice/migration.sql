-- An invoice is assembled again with the exchange rates that it was made with: rates are counted in the order in which they were recorded, and an invoice
-- remembers how many there were (SEMANTICS 8.4).
ALTER TABLE "exchange_rate" ADD COLUMN "place" INTEGER;
ALTER TABLE "invoice" ADD COLUMN "seen_rates" INTEGER;

-- Tenant by tenant: without one, forced row-level security shows nothing. What was finalized before had the rates of the moment at which it was announced.
DO $$
DECLARE
  one uuid;
BEGIN
  FOR one IN SELECT id FROM tenant LOOP
    PERFORM set_config('app.tenant_ids', format('{%s}', one), true);
    UPDATE exchange_rate r SET place = o.place
    FROM (SELECT id, row_number() OVER (ORDER BY recorded_at, id) AS place FROM exchange_rate WHERE tenant_id = one) AS o
    WHERE r.tenant_id = one AND r.id = o.id;
    UPDATE invoice i SET seen_rates = (SELECT count(*) FROM exchange_rate r WHERE r.tenant_id = one AND r.recorded_at < o.created_at)
    FROM invoice_outbox o WHERE i.tenant_id = one AND o.tenant_id = one AND o.invoice_id = i.id AND o.kind = 'FINALIZED'
      AND EXISTS (SELECT 1 FROM exchange_rate r WHERE r.tenant_id = one);
  END LOOP;
  PERFORM set_config('app.tenant_ids', '', true);
END $$;

ALTER TABLE "exchange_rate" ALTER COLUMN "place" SET NOT NULL;
CREATE UNIQUE INDEX "exchange_rate_tenant_id_place_key" ON "exchange_rate"("tenant_id", "place");
