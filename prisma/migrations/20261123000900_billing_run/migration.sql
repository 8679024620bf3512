-- Lines of a final invoice never change (SEMANTICS 8.2): checked once a statement, not once a row. A line may be there before its invoice: a run writes all lines of
-- a page, then the invoices as final ones. That every line has its invoice is checked at the end of the transaction.
DROP TRIGGER invoice_line_final ON invoice_line;
DROP FUNCTION tare_keep_final_lines();
-- A range of the table's key, in its order: no statistics can turn the look-up of an invoice into reading all of its tenant's.
CREATE FUNCTION tare_keep_final_lines() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  final uuid;
BEGIN
  SELECT line.invoice_id INTO final FROM (SELECT DISTINCT tenant_id, invoice_id FROM changed) AS line
  WHERE (SELECT i.status FROM invoice i WHERE i.tenant_id = line.tenant_id AND i.id >= line.invoice_id AND i.id <= line.invoice_id
    ORDER BY i.tenant_id, i.id LIMIT 1) <> 'DRAFT' LIMIT 1;
  IF final IS NOT NULL THEN
    RAISE EXCEPTION 'invoice % is finalized: its lines never change', final USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER invoice_line_inserted AFTER INSERT ON invoice_line REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tare_keep_final_lines();
CREATE TRIGGER invoice_line_deleted AFTER DELETE ON invoice_line REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tare_keep_final_lines();
CREATE TRIGGER invoice_line_changed AFTER UPDATE ON invoice_line REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tare_keep_final_lines();
CREATE TRIGGER invoice_line_moved AFTER UPDATE ON invoice_line REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tare_keep_final_lines();
ALTER TABLE invoice_line ALTER CONSTRAINT invoice_line_tenant_id_invoice_id_fkey DEFERRABLE INITIALLY DEFERRED;
