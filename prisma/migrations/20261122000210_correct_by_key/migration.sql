-- Corrections look rows up one by one, by their tables' keys, while they hold the tenant's clock. As a join of one statement, the planner reads all rows of
-- the tenant for a few thousand whenever statistics are older than a large import, and joins them in a square of steps at worst. Run as who calls: row-level
-- security holds here as everywhere.

-- Cancels events that count, and answers them.
CREATE FUNCTION tare_cancel_events(tenants uuid[], customers integer[], times timestamptz[], row_ids uuid[], seqs bigint[]) RETURNS SETOF usage_event
LANGUAGE plpgsql SECURITY INVOKER SET search_path = public, pg_temp AS $$
BEGIN
  FOR i IN 1 .. cardinality(row_ids) LOOP
    RETURN QUERY UPDATE usage_event e SET voided_seq = seqs[i]
      WHERE e.tenant_id = tenants[i] AND e.customer_no = customers[i] AND e.at = times[i] AND e.key_hash = row_ids[i] AND e.voided_seq IS NULL RETURNING e.*;
  END LOOP;
END $$;

-- What keys name from now on. A commit that voided is null for an event that counts.
CREATE FUNCTION tare_set_event_keys(
  tenants uuid[], identities uuid[], contents uuid[], customers integer[], times timestamptz[], revisions integer[], voided_seqs bigint[]
) RETURNS void LANGUAGE plpgsql SECURITY INVOKER SET search_path = public, pg_temp AS $$
BEGIN
  FOR i IN 1 .. cardinality(identities) LOOP
    UPDATE usage_event_key k SET content_hash = contents[i], customer_no = customers[i], at = times[i], revision = revisions[i], voided_seq = voided_seqs[i]
      WHERE k.tenant_id = tenants[i] AND k.key_hash = identities[i];
  END LOOP;
END $$;

REVOKE ALL ON FUNCTION tare_cancel_events(uuid[], integer[], timestamptz[], uuid[], bigint[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION tare_set_event_keys(uuid[], uuid[], uuid[], integer[], timestamptz[], integer[], bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tare_cancel_events(uuid[], integer[], timestamptz[], uuid[], bigint[]) TO tare_app;
GRANT EXECUTE ON FUNCTION tare_set_event_keys(uuid[], uuid[], uuid[], integer[], timestamptz[], integer[], bigint[]) TO tare_app;
