-- Agreed rates, per second and process. None where there is none.
ALTER TABLE tenant_settings
  ADD COLUMN ingest_events_per_second integer CHECK (ingest_events_per_second > 0),
  ADD COLUMN requests_per_second integer CHECK (requests_per_second > 0);
ALTER TABLE api_key ADD COLUMN events_per_second integer CHECK (events_per_second > 0);
