-- Cells of a meter's roll-up are deleted slot by slot, by the table's key (as 20261122000210_correct_by_key does it for corrections): as a join of one
-- statement, every slot was held against every cell of the meter whenever statistics were older than the roll-up. Run as who calls: row-level security holds.
CREATE FUNCTION tare_delete_rollup_cells(tenant uuid, meter uuid, customers integer[], starts timestamptz[], ends timestamptz[]) RETURNS void
LANGUAGE plpgsql SECURITY INVOKER SET search_path = public, pg_temp AS $$
BEGIN
  FOR i IN 1 .. cardinality(customers) LOOP
    DELETE FROM meter_rollup_cell r
      WHERE r.tenant_id = tenant AND r.meter_id = meter AND r.customer_no = customers[i] AND r.from_at >= starts[i] AND r.from_at < ends[i];
  END LOOP;
END $$;

REVOKE ALL ON FUNCTION tare_delete_rollup_cells(uuid, uuid, integer[], timestamptz[], timestamptz[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tare_delete_rollup_cells(uuid, uuid, integer[], timestamptz[], timestamptz[]) TO tare_app;
