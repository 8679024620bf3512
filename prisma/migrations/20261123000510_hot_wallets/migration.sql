-- Nearly every debit is covered by one grant: it is named in a column, without arrays.
ALTER TABLE credit_debit
  ADD COLUMN "grant_id" UUID,
  ADD COLUMN "revenue" DECIMAL;

-- Double entry: what a statement adds to a transaction sums to zero, and so do all of its rows. The ledger itself need not be looked at, however long it is.
CREATE OR REPLACE FUNCTION tare_check_posting_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  unbalanced uuid;
BEGIN
  SELECT transaction_id INTO unbalanced FROM inserted GROUP BY tenant_id, transaction_id HAVING sum(credits) <> 0 LIMIT 1;
  IF unbalanced IS NOT NULL THEN
    RAISE EXCEPTION 'postings of transaction % do not sum to zero', unbalanced USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
