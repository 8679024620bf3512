-- A period whose invoice was voided: nothing is due for it until it is billed again. On the row, since every run asks it of every closed period.
ALTER TABLE billing_period ADD COLUMN "voided" BOOLEAN NOT NULL DEFAULT false;
CREATE INDEX billing_period_voided ON billing_period (tenant_id, subscription_id) WHERE voided;

-- Tenant by tenant: without one, forced row-level security shows nothing.
DO $$
DECLARE
  one uuid;
BEGIN
  FOR one IN SELECT id FROM tenant LOOP
    PERFORM set_config('app.tenant_ids', format('{%s}', one), true);
    UPDATE billing_period p SET voided = true FROM invoice i
    WHERE p.tenant_id = one AND i.tenant_id = p.tenant_id AND i.id = p.invoice_id AND i.status = 'VOID';
  END LOOP;
  PERFORM set_config('app.tenant_ids', '', true);
END $$;
