import fc from 'fast-check';
import { eventIdentity } from '../ingest/event-identity.ts';
import { keyOfIdentity } from './event-key.ts';

const hex = (length: number, first = '0123456789abcdef'): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom(...first),
      fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length - 1, maxLength: length - 1 }),
    )
    .map(([a, b]) => a + b);
const uuid = fc.tuple(hex(8, '01234567'), hex(4), hex(4), hex(4, '89ab'), hex(12)).map((parts) => parts.join('-'));
const ulid = fc
  .tuple(
    fc.constantFrom(...'0123'),
    fc.string({ unit: fc.constantFrom(...'0123456789ABCDEFGHJKMNPQRSTVWXYZ'), minLength: 25, maxLength: 25 }),
  )
  .map(([a, b]) => a + b);

test('a key that is a UUID or a ULID comes back from its identity, however that is written', () => {
  fc.assert(
    fc.property(fc.oneof(uuid, ulid), (key) => {
      const identity = eventIdentity(key);
      expect(keyOfIdentity(identity)).toBe(key);
      expect(keyOfIdentity(identity.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'))).toBe(key);
    }),
    { numRuns: 2_000 },
  );
});

test('an identity that is a hash gives no key back, so none is ever made up', () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1, maxLength: 255 }).filter((key) => !/^[0-7][0-9a-f]{7}-|^[0-3][0-9A-Z]{25}$/.test(key)),
      (key) => {
        expect(() => keyOfIdentity(eventIdentity(key))).toThrow(RangeError);
      },
    ),
    { numRuns: 2_000 },
  );
  expect(() => keyOfIdentity('00000000-0000-4000-5000-000000000000')).toThrow(/hash/);
  expect(() => keyOfIdentity('no bytes')).toThrow(/16 bytes/);
});
