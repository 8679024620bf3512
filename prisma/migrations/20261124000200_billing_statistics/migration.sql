-- A run writes more into these tables in a minute than there was before, and the planner goes by what it last learned: of tables that were empty then, it takes any
-- index that begins with the tenant to be as good as the right one, and each look-up reads all of the tenant's rows. Autovacuum comes a minute late. So a run asks for new
-- statistics itself, for the tables that have grown to four times what they were: some ten times in the life of a table, tens of milliseconds each.
CREATE FUNCTION tare_learn_billing_sizes() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  grown text;
BEGIN
  FOR grown IN
    SELECT c.oid::regclass::text FROM pg_class c
    WHERE c.oid = ANY ('{invoice,invoice_line,billing_period,invoice_outbox,usage_pin,customer_balance_entry}'::regclass[])
      AND pg_relation_size(c.oid) > 4 * current_setting('block_size')::bigint * greatest(c.relpages, 8) ORDER BY 1
  LOOP
    -- Who comes second finds it done.
    IF pg_try_advisory_xact_lock(hashtext('tare_learn_billing_sizes')) THEN EXECUTE format('ANALYZE %s', grown); END IF;
  END LOOP;
END $$;
REVOKE ALL ON FUNCTION tare_learn_billing_sizes() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tare_learn_billing_sizes() TO tare_app;
