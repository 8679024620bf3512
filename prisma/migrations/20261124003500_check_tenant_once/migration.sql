-- Rows of events, their keys and their cells are written by the thousand, and the policy read the setting, and made an array of its text, for each of them. As a
-- query of its own it is read once for each statement. What may be seen keeps the form that all tables have: only there does it have to be an index condition.
DO $$
DECLARE
  hot regclass;
BEGIN
  FOREACH hot IN ARRAY '{usage_event_key,usage_event,usage_bucket}'::regclass[] LOOP
    EXECUTE format('ALTER POLICY tenant ON %s WITH CHECK (tenant_id = ANY ((SELECT nullif(current_setting(''app.tenant_ids'', true), '''')::uuid[])::uuid[]))', hot);
  END LOOP;
END $$;
