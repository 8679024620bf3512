import { IngestBounds } from './ingest-bounds.ts';

test('without settings there are defaults, and room for the largest body beside others', () => {
  expect(IngestBounds.fromEnvironment({ TARE_MAX_BATCH: '' })).toEqual(new IngestBounds());
  expect(new IngestBounds()).toMatchObject({ bodyBytes: 16_777_216, batchEvents: 10_000, jsonDepth: 64, eventsPerSecond: null });
  expect(IngestBounds.fromEnvironment({ TARE_MAX_BODY_BYTES: '1048576', TARE_MAX_BATCH: '500' })).toMatchObject({
    bodyBytes: 1_048_576,
    bodiesBytes: 1_572_864,
    batchEvents: 500,
  });
});

test.each([['0'], ['-1'], ['1.5'], ['many'], ['9'.repeat(30)]])('a bound of %s is refused, with the name of its variable', (value) => {
  expect(() => IngestBounds.fromEnvironment({ TARE_MAX_BATCH: value })).toThrow(
    expect.objectContaining({ code: 'INVALID_SETTING', message: 'TARE_MAX_BATCH has to be a whole number from 1 to 100000.' }),
  );
});
