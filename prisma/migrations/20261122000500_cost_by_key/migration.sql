-- Costs that became known are set row by row, by the events' key, while the tenant's clock is held: as corrections are (20261122000210_correct_by_key). As a
-- join of one statement, the planner reads all rows of the tenant for a thousand whenever statistics are older than a large import. Run as who calls:
-- row-level security holds here as everywhere.

-- Freezes costs of events that have none; arrays have one element for each event.
CREATE FUNCTION tare_set_costs(
  tenant uuid, set_seq bigint, times timestamptz[], row_ids uuid[], dimensions integer[], costs numeric[], rates uuid[], customers integer[]
) RETURNS void LANGUAGE plpgsql SECURITY INVOKER SET search_path = public, pg_temp AS $$
BEGIN
  FOR i IN 1 .. cardinality(row_ids) LOOP
    UPDATE usage_event e
      SET cost = costs[i], cost_rate_id = rates[i], arrived_dimension_no = e.dimension_no, dimension_no = dimensions[i], costed_seq = set_seq
      WHERE e.tenant_id = tenant AND e.customer_no = customers[i] AND e.at = times[i] AND e.key_hash = row_ids[i] AND e.cost IS NULL;
  END LOOP;
END $$;

REVOKE ALL ON FUNCTION tare_set_costs(uuid, bigint, timestamptz[], uuid[], integer[], numeric[], uuid[], integer[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tare_set_costs(uuid, bigint, timestamptz[], uuid[], integer[], numeric[], uuid[], integer[]) TO tare_app;
