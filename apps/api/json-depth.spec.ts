import fc from 'fast-check';
import { isDeeperThan } from './json-depth.ts';

const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;

test('the depth of any JSON is counted as its parsed value has it', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), fc.nat(9), fc.boolean(), (value, most, isSpaced) => {
      const json = Buffer.from(JSON.stringify(value, null, isSpaced ? 2 : 0));
      expect(isDeeperThan(json, most)).toBe(depthOf(value) > most);
    }),
    { numRuns: 1_000 },
  );
});

test('brackets in strings and keys are text', () => {
  expect(isDeeperThan(Buffer.from('{"[[[\\"{{{":"]]]\\\\","b":"\\\\\\"[[["}'), 1)).toBe(false);
});

test('sixteen megabytes of brackets are refused at the first that is too deep', () => {
  expect(isDeeperThan(Buffer.alloc(16 * 2 ** 20, '['), 64)).toBe(true);
  expect(isDeeperThan(Buffer.from(`${'['.repeat(64)}${']'.repeat(64)}`), 64)).toBe(false);
});

test('what is no JSON does no harm', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => typeof isDeeperThan(Buffer.from(bytes), 3) === 'boolean'));
  expect(isDeeperThan(Buffer.from('"no end \\'), 3)).toBe(false);
});
