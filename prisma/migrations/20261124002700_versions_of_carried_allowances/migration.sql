-- What a closed period left of an allowance is not overwritten by what late usage takes of it: an invoice from before is assembled again with what was left
-- then (SEMANTICS 8.4). Each row knows the place that the next invoice had when it was recorded.
ALTER TABLE "allowance_carry" ADD COLUMN "version" INTEGER NOT NULL DEFAULT 1, ADD COLUMN "place" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "allowance_carry" DROP CONSTRAINT "allowance_carry_pkey",
  ADD CONSTRAINT "allowance_carry_pkey" PRIMARY KEY ("tenant_id","segment_id","period_start","price_key","group_key","version");

-- Tenant by tenant: without one, forced row-level security shows nothing. Of what is there only the last state is known: from the invoice of its period on.
DO $$
DECLARE
  one uuid;
BEGIN
  FOR one IN SELECT id FROM tenant LOOP
    PERFORM set_config('app.tenant_ids', format('{%s}', one), true);
    UPDATE allowance_carry a SET place = substring(i.number from '[0-9]+$')::int + 1
    FROM billing_period p JOIN invoice i ON i.tenant_id = p.tenant_id AND i.id = p.invoice_id
    WHERE a.tenant_id = one AND p.tenant_id = one AND p.segment_id = a.segment_id AND p.start_at = a.period_start AND i.number IS NOT NULL;
  END LOOP;
  PERFORM set_config('app.tenant_ids', '', true);
END $$;

REVOKE UPDATE ON "allowance_carry" FROM tare_app;
