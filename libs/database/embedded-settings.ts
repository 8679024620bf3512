/**
 * What the embedded PostgreSQL runs with: ingest needs a log that is long enough to write each page of an index in full once, not once per batch. It is
 * room on disk under load, not memory, and an idle server gives it back (docs/operations.md says what each is worth, and for one's own server too).
 */
export const EMBEDDED_SETTINGS: readonly string[] = Object.entries({
  shared_buffers: '256MB',
  max_wal_size: '4GB',
  checkpoint_timeout: '15min',
}).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
