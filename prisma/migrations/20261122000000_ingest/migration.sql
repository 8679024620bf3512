-- The layout of events that writes fastest (docs/decisions/0014). What migrations rewrite (ALTER ... TYPE) they rewrite for all tenants; what they
-- update, they update tenant by tenant: under forced row-level security an UPDATE without a tenant changes nothing, silently.

-- The 16 bytes that an event is known by are a uuid: fixed in length, compared without unpacking.
ALTER TABLE usage_event_key
  ALTER COLUMN key_hash TYPE uuid USING encode(key_hash, 'hex')::uuid,
  ALTER COLUMN content_hash TYPE uuid USING encode(content_hash, 'hex')::uuid,
  ADD COLUMN customer_no integer;

-- One index instead of two: by customer, then time.
ALTER TABLE usage_event DROP CONSTRAINT usage_event_pkey;
DROP INDEX usage_event_tenant_id_customer_no_at_idx;
ALTER TABLE usage_event
  ALTER COLUMN key_hash TYPE uuid USING encode(key_hash, 'hex')::uuid,
  -- Null: the identity is the key itself, a UUID or a ULID.
  ALTER COLUMN key DROP NOT NULL,
  -- Null is 0: what an event does not have takes no room and no time.
  ALTER COLUMN uncached_input DROP NOT NULL, ALTER COLUMN uncached_input DROP DEFAULT,
  ALTER COLUMN cache_read DROP NOT NULL, ALTER COLUMN cache_read DROP DEFAULT,
  ALTER COLUMN cache_write_5m DROP NOT NULL, ALTER COLUMN cache_write_5m DROP DEFAULT,
  ALTER COLUMN cache_write_1h DROP NOT NULL, ALTER COLUMN cache_write_1h DROP DEFAULT,
  ALTER COLUMN input_audio DROP NOT NULL, ALTER COLUMN input_audio DROP DEFAULT,
  ALTER COLUMN plain_output DROP NOT NULL, ALTER COLUMN plain_output DROP DEFAULT,
  ALTER COLUMN reasoning DROP NOT NULL, ALTER COLUMN reasoning DROP DEFAULT,
  ALTER COLUMN output_audio DROP NOT NULL, ALTER COLUMN output_audio DROP DEFAULT,
  ALTER COLUMN quantity DROP NOT NULL, ALTER COLUMN quantity DROP DEFAULT,
  ALTER COLUMN gpu_seconds DROP NOT NULL, ALTER COLUMN gpu_seconds DROP DEFAULT;
ALTER TABLE usage_event ADD CONSTRAINT usage_event_pkey PRIMARY KEY (tenant_id, customer_no, at, key_hash);

-- What no row of a flush counts is left out of its statement.
ALTER TABLE usage_bucket
  ALTER COLUMN uncached_input SET DEFAULT 0, ALTER COLUMN cache_read SET DEFAULT 0, ALTER COLUMN cache_write_5m SET DEFAULT 0,
  ALTER COLUMN cache_write_1h SET DEFAULT 0, ALTER COLUMN input_audio SET DEFAULT 0, ALTER COLUMN plain_output SET DEFAULT 0,
  ALTER COLUMN reasoning SET DEFAULT 0, ALTER COLUMN output_audio SET DEFAULT 0, ALTER COLUMN quantity SET DEFAULT 0,
  ALTER COLUMN gpu_seconds SET DEFAULT 0, ALTER COLUMN cost SET DEFAULT 0, ALTER COLUMN restated_cost SET DEFAULT 0;

ALTER TABLE cost_adjustment ALTER COLUMN key_hash TYPE uuid USING encode(key_hash, 'hex')::uuid;

-- Which state a tenant's cost book is in: every flush asks, and counting the book's rows would cost more than the flush.
CREATE TABLE cost_book_version (
  tenant_id uuid NOT NULL,
  version bigint NOT NULL,
  CONSTRAINT cost_book_version_pkey PRIMARY KEY (tenant_id)
);
SELECT tare_protect('cost_book_version');
CREATE POLICY catalogue ON cost_book_version FOR SELECT USING (tenant_id = '00000000-0000-4000-8000-000000000001');

CREATE FUNCTION tare_count_book_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO cost_book_version (tenant_id, version) SELECT DISTINCT tenant_id, 1 FROM inserted
  ON CONFLICT (tenant_id) DO UPDATE SET version = cost_book_version.version + 1;
  RETURN NULL;
END $$;
CREATE TRIGGER cost_rate_book_version AFTER INSERT ON cost_rate
  REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION tare_count_book_version();
CREATE TRIGGER cost_model_book_version AFTER INSERT ON cost_model
  REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION tare_count_book_version();

DO $$
DECLARE
  one uuid;
BEGIN
  FOR one IN SELECT id FROM tenant UNION SELECT '00000000-0000-4000-8000-000000000001' LOOP
    PERFORM set_config('app.tenant_ids', format('{%s}', one), true);
    UPDATE usage_event_key k SET customer_no = e.customer_no FROM usage_event e
    WHERE k.tenant_id = one AND e.tenant_id = one AND e.at = k.at AND e.key_hash = k.key_hash;
    INSERT INTO cost_book_version (tenant_id, version) SELECT one, 1 WHERE EXISTS (SELECT 1 FROM cost_rate WHERE tenant_id = one);
  END LOOP;
  PERFORM set_config('app.tenant_ids', '', true);
END $$;
ALTER TABLE usage_event_key ALTER COLUMN customer_no SET NOT NULL;
