-- What a run reads has to be known as well: the first run after a tenant's first million events came before the first statistics of the cells, and each bill read
-- all cells of the tenant. A cell is some 150 bytes, so statistics of it are taken at 1, 4, 16 ... MB.
CREATE OR REPLACE FUNCTION tare_learn_billing_sizes() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  grown text;
BEGIN
  FOR grown IN
    SELECT c.oid::regclass::text FROM pg_class c
    WHERE c.oid = ANY ('{usage_bucket,customer,subscription,subscription_segment,invoice,invoice_line,billing_period,invoice_outbox,usage_pin,customer_balance_entry}'::regclass[])
      AND pg_relation_size(c.oid) > 4 * current_setting('block_size')::bigint * greatest(c.relpages, 8) ORDER BY 1
  LOOP
    -- Who comes second finds it done.
    IF pg_try_advisory_xact_lock(hashtext('tare_learn_billing_sizes')) THEN EXECUTE format('ANALYZE %s', grown); END IF;
  END LOOP;
END $$;
