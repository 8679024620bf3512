-- Merging bucket deltas without any reader noticing, and dropping events after a tenant's retention.

-- Commits that somebody reads as of again, for ever: rows on either side of one are never merged.
CREATE TABLE "usage_pin" (
    "tenant_id" UUID NOT NULL,
    "customer_no" INTEGER NOT NULL,
    "seq" BIGINT NOT NULL,
    "pinned_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "usage_pin_pkey" PRIMARY KEY ("tenant_id","customer_no","seq")
);

-- How far compaction may go and has gone. It touches no row that ingest writes or locks.
CREATE TABLE "usage_compaction" (
    "tenant_id" UUID NOT NULL,
    "floor_seq" BIGINT NOT NULL DEFAULT 0,
    "next_seq" BIGINT NOT NULL DEFAULT 0,
    "next_at" TIMESTAMPTZ(6) NOT NULL,
    "compacted_seq" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "usage_compaction_pkey" PRIMARY KEY ("tenant_id"),
    CONSTRAINT "usage_compaction_order" CHECK ("compacted_seq" <= "floor_seq" AND "floor_seq" <= "next_seq")
);

-- How far a tenant's events are refused, dropped and cleared away, and what the run that is under way has counted.
CREATE TABLE "usage_retention" (
    "tenant_id" UUID NOT NULL,
    "refused_before" TIMESTAMPTZ(6) NOT NULL,
    "announced_at" TIMESTAMPTZ(6) NOT NULL,
    "dropped_before" TIMESTAMPTZ(6),
    "cleared_before" TIMESTAMPTZ(6),
    "retry_at" TIMESTAMPTZ(6),
    "after_customer_no" INTEGER,
    "after_at" TIMESTAMPTZ(6),
    "after_key_hash" UUID,
    "events" BIGINT NOT NULL DEFAULT 0,
    "keys" BIGINT NOT NULL DEFAULT 0,
    "adjustments" BIGINT NOT NULL DEFAULT 0,
    "corrections" BIGINT NOT NULL DEFAULT 0,
    "months" TEXT[],

    CONSTRAINT "usage_retention_pkey" PRIMARY KEY ("tenant_id"),
    -- What was dropped is refused, also when the setting is raised later: a replay could count twice (SEMANTICS 3.1).
    CONSTRAINT "usage_retention_order" CHECK ("dropped_before" <= "refused_before" AND ("cleared_before" IS NULL OR "cleared_before" <= "dropped_before"))
);

SELECT tare_protect('usage_pin'), tare_protect('usage_compaction'), tare_protect('usage_retention');

-- What invoices and periods remember already. Tenant by tenant: without one, forced row-level security shows nothing.
DO $$
DECLARE
  one uuid;
BEGIN
  FOR one IN SELECT id FROM tenant LOOP
    PERFORM set_config('app.tenant_ids', format('{%s}', one), true);
    INSERT INTO usage_pin (tenant_id, customer_no, seq)
    SELECT c.tenant_id, c.no, i.seen_seq FROM invoice i JOIN customer c ON c.tenant_id = i.tenant_id AND c.id = i.customer_id
    WHERE i.tenant_id = one AND i.seen_seq IS NOT NULL
    UNION
    SELECT c.tenant_id, c.no, remembered.seq FROM billing_period p
    JOIN subscription s ON s.tenant_id = p.tenant_id AND s.id = p.subscription_id
    JOIN customer c ON c.tenant_id = s.tenant_id AND c.id = s.customer_id
    CROSS JOIN LATERAL (VALUES (p.seen_seq), (p.rated_seq)) AS remembered (seq)
    WHERE p.tenant_id = one AND remembered.seq IS NOT NULL;
  END LOOP;
  PERFORM set_config('app.tenant_ids', '', true);
END $$;

-- Cost adjustments are only ever added, but for those of events that are gone: the app may not delete, this function may, below the tenant's horizon.
CREATE FUNCTION tare_forget_adjustments(tenant uuid, hashes uuid[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  forgotten bigint;
BEGIN
  DELETE FROM cost_adjustment a
  WHERE a.tenant_id = tenant AND a.key_hash = ANY (hashes) AND a.at < (SELECT r.dropped_before FROM usage_retention r WHERE r.tenant_id = tenant);
  GET DIAGNOSTICS forgotten = ROW_COUNT;
  RETURN forgotten;
END $$;
REVOKE ALL ON FUNCTION tare_forget_adjustments(uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tare_forget_adjustments(uuid, uuid[]) TO tare_app;

-- The same for the corrections of keys that are not there any more.
CREATE FUNCTION tare_forget_corrections(tenant uuid, identities uuid[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  forgotten bigint;
BEGIN
  DELETE FROM usage_correction c
  WHERE c.tenant_id = tenant AND c.key_hash = ANY (identities) AND c.at < (SELECT r.dropped_before FROM usage_retention r WHERE r.tenant_id = tenant)
    AND NOT EXISTS (SELECT 1 FROM usage_event_key k WHERE k.tenant_id = c.tenant_id AND k.key_hash = c.key_hash);
  GET DIAGNOSTICS forgotten = ROW_COUNT;
  RETURN forgotten;
END $$;
REVOKE ALL ON FUNCTION tare_forget_corrections(uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tare_forget_corrections(uuid, uuid[]) TO tare_app;

-- Whether a tenant still has events in a month that are not on their way out: its horizon lies before the month's end. `only_cleared`: whether one has
-- events there whose keys were not cleared away. One look at an index for each tenant; the caller learns yes or no and nothing of others.
CREATE FUNCTION tare_usage_month_is_kept(month_start timestamptz, only_cleared boolean) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  lower_bound timestamptz := date_trunc('month', month_start, 'UTC');
  upper_bound timestamptz := ((date_trunc('month', month_start, 'UTC') AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
  leaf text := 'usage_event_' || to_char(lower_bound AT TIME ZONE 'UTC', '"y"YYYY"m"MM');
  callers text := current_setting('app.tenant_ids', true);
  one uuid;
  gone_before timestamptz;
  is_there boolean := false;
BEGIN
  FOR one IN SELECT id FROM tenant LOOP
    PERFORM set_config('app.tenant_ids', format('{%s}', one), true);
    SELECT CASE WHEN only_cleared THEN r.cleared_before ELSE r.dropped_before END INTO gone_before FROM usage_retention r WHERE r.tenant_id = one;
    IF gone_before >= upper_bound THEN CONTINUE; END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE tenant_id = $1)', leaf) INTO is_there USING one;
    EXIT WHEN is_there;
  END LOOP;
  -- The caller goes on seeing what it saw before.
  PERFORM set_config('app.tenant_ids', coalesce(callers, ''), true);
  RETURN is_there;
END $$;
REVOKE ALL ON FUNCTION tare_usage_month_is_kept(timestamptz, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tare_usage_month_is_kept(timestamptz, boolean) TO tare_app;

-- Drops a month of events when no tenant needs it; asked again under the lock. Ingest waits for that lock, so it is waited for a quarter of a second at the
-- most, and asked for again by a later run.
CREATE FUNCTION tare_drop_usage_month(month_start timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '250ms' AS $$
DECLARE
  leaf text := 'usage_event_' || to_char(date_trunc('month', month_start, 'UTC') AT TIME ZONE 'UTC', '"y"YYYY"m"MM');
BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_class WHERE relname = leaf AND relnamespace = 'public'::regnamespace) THEN RETURN false; END IF;
  IF tare_usage_month_is_kept(month_start, true) THEN RETURN false; END IF;
  LOCK TABLE usage_event IN ACCESS EXCLUSIVE MODE;
  IF tare_usage_month_is_kept(month_start, true) THEN RETURN false; END IF;
  EXECUTE format('ALTER TABLE usage_event DETACH PARTITION %I', leaf);
  EXECUTE format('DROP TABLE %I', leaf);
  RETURN true;
EXCEPTION WHEN lock_not_available OR undefined_table THEN
  RETURN false;
END $$;
REVOKE ALL ON FUNCTION tare_drop_usage_month(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tare_drop_usage_month(timestamptz) TO tare_app;
