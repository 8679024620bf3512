-- What Prisma's schema cannot say: row-level security, privileges, partitions, and what must never change.

-- The tenants that this transaction is for. No setting: no rows. As `= ANY (array)` it stays an index condition.
CREATE FUNCTION tare_tenants() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('app.tenant_ids', true), '')::uuid[] $$;

-- Every table of a tenant: security ENABLED and FORCED (the owner is held too), one policy, the app's privileges.
CREATE FUNCTION tare_protect(tbl regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', tbl);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', tbl);
  EXECUTE format('CREATE POLICY tenant ON %s USING (tenant_id = ANY (nullif(current_setting(''app.tenant_ids'', true), '''')::uuid[]))', tbl);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO tare_app', tbl);
END $$;

GRANT USAGE ON SCHEMA public TO tare_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON tenant, api_key_lookup, due_work TO tare_app;

SELECT tare_protect(c.oid::regclass)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname NOT IN ('api_key_lookup', 'due_work');

-- The catalogue tenant's prices are read by all; only a transaction opened for that tenant writes them.
CREATE POLICY catalogue ON cost_rate FOR SELECT USING (tenant_id = '00000000-0000-4000-8000-000000000001');
CREATE POLICY catalogue ON cost_model FOR SELECT USING (tenant_id = '00000000-0000-4000-8000-000000000001');

-- Rows that are only ever added.
REVOKE UPDATE, DELETE ON credit_posting, cost_rate, capacity_pool_rate, exchange_rate, cost_adjustment, audit_entry, customer_balance_entry FROM tare_app;
REVOKE UPDATE, DELETE ON plan_version, price FROM tare_app;

-- Partitions of usage_event, one per month of event time. Attached rather than created as partition: that does not stop writers.
-- A leaf is protected the moment it is made, and the app has no privilege on it: through a leaf it would see what the parent hides.
CREATE FUNCTION tare_ensure_usage_month(month_start timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  lower_bound timestamptz := date_trunc('month', month_start, 'UTC');
  upper_bound timestamptz := date_trunc('month', month_start, 'UTC') + interval '1 month';
  leaf text := 'usage_event_' || to_char(lower_bound AT TIME ZONE 'UTC', '"y"YYYY"m"MM');
BEGIN
  IF to_regclass(leaf) IS NOT NULL THEN RETURN; END IF;
  PERFORM pg_advisory_xact_lock(hashtext('tare_ensure_usage_month'));
  -- Asked of the table itself: to_regclass would answer from this session's cache, which an advisory lock does not bring up to date.
  IF EXISTS (SELECT 1 FROM pg_class WHERE relname = leaf AND relnamespace = 'public'::regnamespace) THEN RETURN; END IF;
  -- + interval '1 month' counts in the session's zone
  upper_bound := ((lower_bound AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
  EXECUTE format('CREATE TABLE %I (LIKE usage_event INCLUDING ALL)', leaf);
  EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', leaf);
  EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', leaf);
  EXECUTE format('CREATE POLICY tenant ON %I USING (tenant_id = ANY (nullif(current_setting(''app.tenant_ids'', true), '''')::uuid[]))', leaf);
  EXECUTE format('ALTER TABLE usage_event ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', leaf, lower_bound, upper_bound);
END $$;
REVOKE ALL ON FUNCTION tare_ensure_usage_month(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tare_ensure_usage_month(timestamptz) TO tare_app;

-- Double entry: the postings of a transaction sum to zero (SEMANTICS 7.1). They are written in one statement, and the statement is checked as a whole.
CREATE FUNCTION tare_check_posting_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  unbalanced uuid;
BEGIN
  SELECT p.transaction_id INTO unbalanced
  FROM credit_posting p JOIN (SELECT DISTINCT tenant_id, transaction_id FROM inserted) i ON i.tenant_id = p.tenant_id AND i.transaction_id = p.transaction_id
  GROUP BY p.tenant_id, p.transaction_id HAVING sum(p.credits) <> 0 LIMIT 1;
  IF unbalanced IS NOT NULL THEN
    RAISE EXCEPTION 'postings of transaction % do not sum to zero', unbalanced USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER credit_posting_balance AFTER INSERT ON credit_posting
  REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION tare_check_posting_balance();

-- A finalized invoice never changes: neither its amounts nor its lines (SEMANTICS 8.2).
CREATE FUNCTION tare_keep_final_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND OLD.status = 'DRAFT' THEN RETURN OLD; END IF;
  IF TG_OP = 'UPDATE' AND OLD.status = 'DRAFT' THEN RETURN NEW; END IF;
  IF TG_OP = 'UPDATE' AND NEW.status <> 'DRAFT'
    AND (OLD.number, OLD.kind, OLD.customer_id, OLD.subscription_id, OLD.billing_at, OLD.sequence, OLD.currency, OLD.subtotal, OLD.discounts, OLD.credits_applied, OLD.tax, OLD.total, OLD.seen_seq)
    IS NOT DISTINCT FROM
        (NEW.number, NEW.kind, NEW.customer_id, NEW.subscription_id, NEW.billing_at, NEW.sequence, NEW.currency, NEW.subtotal, NEW.discounts, NEW.credits_applied, NEW.tax, NEW.total, NEW.seen_seq)
  THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'invoice % is finalized and never changes', OLD.id USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER invoice_final BEFORE UPDATE OR DELETE ON invoice FOR EACH ROW EXECUTE FUNCTION tare_keep_final_invoice();

CREATE FUNCTION tare_keep_final_lines() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  line invoice_line := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
BEGIN
  IF (SELECT status FROM invoice WHERE tenant_id = line.tenant_id AND id = line.invoice_id) <> 'DRAFT' THEN
    RAISE EXCEPTION 'invoice % is finalized: its lines never change', line.invoice_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN line;
END $$;
CREATE TRIGGER invoice_line_final BEFORE INSERT OR UPDATE OR DELETE ON invoice_line FOR EACH ROW EXECUTE FUNCTION tare_keep_final_lines();

-- Amounts are what they are made of (SEMANTICS 8.1).
ALTER TABLE invoice ADD CONSTRAINT invoice_total_not_negative CHECK (total >= 0);
ALTER TABLE credit_grant ADD CONSTRAINT credit_grant_positive CHECK (credits > 0);
ALTER TABLE subscription_segment ADD CONSTRAINT subscription_segment_period CHECK (end_at IS NULL OR end_at >= start_at);
ALTER TABLE billing_period ADD CONSTRAINT billing_period_period CHECK (end_at > start_at);

-- What the Stripe sync has not taken yet: a few rows, asked for often.
CREATE INDEX invoice_outbox_waiting ON invoice_outbox (tenant_id, created_at) WHERE taken_at IS NULL;
