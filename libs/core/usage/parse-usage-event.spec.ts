import fc from 'fast-check';
import { CodedError } from '../coded-error.ts';
import { Decimal } from '../money/index.ts';
import { MICROS_PER_SECOND, formatInstant, parseInstant } from '../time/index.ts';
import { contentText } from './content-text.ts';
import { parseUsageEvent } from './parse-usage-event.ts';
import type { ParseContext } from './parse-usage-event.ts';
import { inclusive } from './token-pools.ts';
import { TOKEN_POOLS } from './usage-record.ts';

const now = parseInstant('2026-03-15T12:00:00Z');
const context: ParseContext = { now, backdatingLimit: parseInstant('2026-02-08T12:00:00Z') };
const wire = { key: 'k-1', customer: 'acme', type: 'llm.completion', at: '2026-03-15T11:59:00Z' };

function parse(fields: object = {}) {
  return parseUsageEvent({ ...wire, ...fields }, context);
}

function refusalOf(raw: unknown): CodedError | null {
  try {
    parseUsageEvent(raw, context);
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
  return null;
}

function refused(fields: object): string[] {
  const error = refusalOf({ ...wire, ...fields });
  return [error?.code ?? 'accepted', error?.path ?? ''];
}

describe('an event on the wire', () => {
  test('is read with everything that it says', () => {
    const event = parse({
      provider: 'anthropic',
      model: 'claude-sonnet-4-5',
      serviceTier: 'batch',
      region: 'eu',
      tokens: { input: 1000, output: '500', cacheRead: 200, reasoning: 100 },
      quantity: '1.50',
      gpuSeconds: 0.25,
      pool: 'h100',
      reportedCost: { amount: '0.0123', currency: 'USD' },
      subscription: 'sub-1',
      user: 'u-1',
      outcome: 'FAILED',
      durationMs: 1200,
      feature: 'search',
      traceId: 't-1',
      properties: { pages: 3 },
    });
    expect(JSON.parse(JSON.stringify(event))).toEqual({
      ...{ key: 'k-1', customer: 'acme', type: 'llm.completion', at: now - 60 * MICROS_PER_SECOND },
      ...{ provider: 'anthropic', model: 'claude-sonnet-4-5', serviceTier: 'batch', region: 'eu', pool: 'h100', feature: 'search' },
      ...{ outcome: 'FAILED', subscription: 'sub-1', user: 'u-1', durationMs: 1200, traceId: 't-1', properties: { pages: 3 } },
      ...{ quantity: '1.5', gpuSeconds: '0.25', hasTokens: true, reportedCost: { amount: '0.0123', currency: 'USD' } },
      tokens: {
        ...{ uncachedInput: '800', cacheRead: '200', cacheWrite5m: '0', cacheWrite1h: '0', inputAudio: '0' },
        ...{ plainOutput: '400', reasoning: '100', outputAudio: '0' },
      },
    });
  });

  test('needs no more than a key, a customer, a type and a time; null, empty and absent are the same', () => {
    const bare = parse();
    expect(bare).toMatchObject({
      provider: null,
      outcome: 'SUCCEEDED',
      hasTokens: false,
      reportedCost: null,
      durationMs: null,
      properties: null,
    });
    const nulls = {
      provider: null,
      model: '',
      tokens: null,
      quantity: null,
      outcome: null,
      durationMs: null,
      properties: {},
      reportedCost: null,
    };
    expect(parse(nulls)).toEqual(bare);
    expect(parse({ tokens: {} })).toEqual(bare);
    expect(parse({ tokens: { input: 0 } }).hasTokens).toBe(true);
  });

  test.each([null, undefined, 7, 'text', [], [wire]])('%j is no event', (raw) => {
    expect(refusalOf(raw)?.code).toBe('INVALID_EVENT');
  });

  test('an event without prototype, as GraphQL makes them, is read like any other', () => {
    const bare: unknown = Object.assign(Object.create(null), { ...wire, tokens: Object.assign(Object.create(null), { input: 5 }) });
    expect(inclusive(parseUsageEvent(bare, context).tokens).total.toString()).toBe('5');
  });

  test('3.1 the key is there and has at most 255 characters', () => {
    for (const key of [undefined, null, '']) expect(refused({ key })).toEqual(['KEY_MISSING', 'key']);
    expect(refused({ key: 5 })).toEqual(['INVALID_FIELD', 'key']);
    expect(refused({ key: 'k'.repeat(256) })).toEqual(['KEY_TOO_LONG', 'key']);
    expect(parse({ key: 'k'.repeat(255) }).key).toHaveLength(255);
    expect(parse({ key: '😀'.repeat(255) }).key).toHaveLength(510);
    expect(refused({ key: '😀'.repeat(256) })).toEqual(['KEY_TOO_LONG', 'key']);
  });

  const texts = ['customer', 'type', 'provider', 'model', 'serviceTier', 'region', 'pool', 'feature', 'subscription', 'user', 'traceId'];
  test.each(texts)('%s has at most 255 characters, none of them NUL or half a character', (field) => {
    expect(refused({ [field]: 'x'.repeat(256) })).toEqual(['FIELD_TOO_LONG', field]);
    expect(refused({ [field]: 'a\0b' })).toEqual(['INVALID_CHARACTER', field]);
    expect(refused({ [field]: 'a\ud83d' })).toEqual(['INVALID_CHARACTER', field]);
    expect(refused({ [field]: 12 })).toEqual(['INVALID_FIELD', field]);
  });

  test.each(['customer', 'type', 'at'])('%s has to be there', (field) => {
    expect(refused({ [field]: null })).toEqual(['FIELD_MISSING', field]);
  });

  test('a field that is not known is refused wherever it stands, and named', () => {
    expect(refused({ modle: 'gpt' })).toEqual(['UNKNOWN_FIELD', 'modle']);
    expect(refused({ tokens: { input: 1, prompt: 1 } })).toEqual(['UNKNOWN_FIELD', 'tokens.prompt']);
    expect(refused({ reportedCost: { amount: 1, currency: 'USD', tax: 1 } })).toEqual(['UNKNOWN_FIELD', 'reportedCost.tax']);
    expect(refusalOf({ ...wire, ...{ modle: 'gpt' } })?.message).toBe('modle: There is no field of this name.');
  });

  test('a refusal says in its message which field it is about', () => {
    expect(refusalOf({ ...wire, ...{ tokens: { input: -1 } } })?.message).toMatch(/^tokens\.input: /);
    expect(refusalOf({ ...wire, ...{ at: 'nope' } })?.message).toMatch(/^at: /);
  });

  test('1.1 numbers that JSON may have changed are refused, by path', () => {
    expect(refused({ tokens: { input: 0.1 + 0.2 } })).toEqual(['NUMBER_NOT_EXACT', 'tokens.input']);
    expect(refused({ quantity: 2 ** 53 + 2 })).toEqual(['NUMBER_NOT_EXACT', 'quantity']);
    expect(refused({ reportedCost: { amount: 1 / 3, currency: 'USD' } })).toEqual(['NUMBER_NOT_EXACT', 'reportedCost.amount']);
    expect(parse({ quantity: '9007199254740993' }).quantity.toString()).toBe('9007199254740993');
  });

  test('1.2 quantities have at most 12 decimals and 30 digits, reported costs 18 decimals', () => {
    expect(refused({ quantity: '0.0000000000001' })).toEqual(['TOO_PRECISE', 'quantity']);
    expect(refused({ gpuSeconds: '1'.repeat(31) })).toEqual(['TOO_PRECISE', 'gpuSeconds']);
    expect(refused({ tokens: { output: '0.0000000000001' } })).toEqual(['TOO_PRECISE', 'tokens.output']);
    expect(refused({ reportedCost: { amount: '0.0000000000000000001', currency: 'USD' } })).toEqual(['TOO_PRECISE', 'reportedCost.amount']);
    expect(parse({ reportedCost: { amount: '0.000000000000000001', currency: 'USD' } }).reportedCost?.amount.decimals).toBe(18);
  });

  test('no number of an event is negative or anything but a number', () => {
    expect(refused({ quantity: -1 })).toEqual(['NEGATIVE_NUMBER', 'quantity']);
    expect(refused({ tokens: { cacheRead: '-0.5', input: 1 } })).toEqual(['NEGATIVE_NUMBER', 'tokens.cacheRead']);
    expect(refused({ reportedCost: { amount: '-1', currency: 'USD' } })).toEqual(['NEGATIVE_NUMBER', 'reportedCost.amount']);
    expect(refused({ durationMs: -1 })).toEqual(['NEGATIVE_NUMBER', 'durationMs']);
    expect(refused({ durationMs: 1.5 })).toEqual(['INVALID_FIELD', 'durationMs']);
    expect(refused({ durationMs: 2 ** 31 })).toEqual(['INVALID_FIELD', 'durationMs']);
    expect(refused({ quantity: 'three' })).toEqual(['INVALID_DECIMAL', 'quantity']);
    expect(refused({ tokens: { input: true } })).toEqual(['INVALID_DECIMAL', 'tokens.input']);
    expect(refused({ tokens: [1, 2] })).toEqual(['INVALID_FIELD', 'tokens']);
    expect(refused({ outcome: 'MAYBE' })).toEqual(['INVALID_FIELD', 'outcome']);
  });

  test('a reported cost has an amount and a currency that exists', () => {
    expect(refused({ reportedCost: { amount: '1', currency: 'XXX' } })).toEqual(['UNKNOWN_CURRENCY', 'reportedCost.currency']);
    expect(refused({ reportedCost: { amount: '1' } })).toEqual(['FIELD_MISSING', 'reportedCost.currency']);
    expect(refused({ reportedCost: { currency: 'USD' } })).toEqual(['FIELD_MISSING', 'reportedCost.amount']);
  });

  test('2.4 an event may be up to 5 minutes ahead of the server', () => {
    const ahead = (micros: number) => ({ at: formatInstant(now + micros) });
    expect(parse(ahead(300 * MICROS_PER_SECOND)).at).toBe(now + 300 * MICROS_PER_SECOND);
    expect(refused(ahead(300 * MICROS_PER_SECOND + 1))).toEqual(['AT_IN_FUTURE', 'at']);
  });

  test('2.4 an event before the limit is too old, and where there is no limit nothing is', () => {
    expect(refused({ at: '2026-02-08T11:59:59.999999Z' })).toEqual(['AT_TOO_OLD', 'at']);
    // Says from when on events are taken, and what moves that.
    expect(() => parse({ at: '2026-02-08T11:59:59.999999Z' })).toThrow(
      /^at: .*2026-02-08T12:00:00.000Z.*backdatingDays.*backfill.*retention/,
    );
    expect(parse({ at: '2026-02-08T12:00:00Z' }).at).toBe(context.backdatingLimit);
    const old = parseUsageEvent({ ...wire, at: '1999-01-01T00:00:00Z' }, { now, backdatingLimit: null });
    expect(formatInstant(old.at)).toBe('1999-01-01T00:00:00.000Z');
  });

  test('2.4 a time has a zone and is a string', () => {
    expect(refused({ at: '2026-03-15T11:59:00' })).toEqual(['INVALID_TIME', 'at']);
    expect(refused({ at: 1773575940 })).toEqual(['INVALID_TIME', 'at']);
  });

  test('properties are bounded in size and depth and hold JSON only', () => {
    const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });
    expect(refused({ properties: { text: 'x'.repeat(16_384) } })).toEqual(['PROPERTIES_TOO_LARGE', 'properties']);
    expect(refused({ properties: nested(9) })).toEqual(['PROPERTIES_TOO_DEEP', 'properties']);
    expect(refused({ properties: nested(50_000 - 49_000) })).toEqual(['PROPERTIES_TOO_DEEP', 'properties']);
    expect(parse({ properties: nested(8) }).properties).toEqual(nested(8));
    expect(refused({ properties: [1] })).toEqual(['INVALID_FIELD', 'properties']);
    expect(refused({ properties: { a: ['fine', 'a\0'] } })).toEqual(['INVALID_CHARACTER', 'properties']);
    expect(refused({ properties: { 'a\0': 1 } })).toEqual(['INVALID_CHARACTER', 'properties']);
    expect(refused({ properties: { a: Number.NaN } })).toEqual(['INVALID_FIELD', 'properties']);
  });
});

describe('tokens on the wire', () => {
  test('3.4 inclusive totals become pools that no token is in twice', () => {
    const { tokens } = parse({
      tokens: {
        input: 17_100,
        cacheRead: 5_000,
        cacheWrite5m: 2_000,
        cacheWrite1h: 9_000,
        inputAudio: 1_000,
        output: 300,
        reasoning: 120,
        outputAudio: 30,
      },
    });
    expect(TOKEN_POOLS.map((pool) => tokens[pool].toString())).toEqual(['100', '5000', '2000', '9000', '1000', '150', '120', '30']);
  });

  test('3.4 the pools add up to the totals that were sent', () => {
    const count = fc.integer({ min: 0, max: 1_000_000 });
    fc.assert(
      fc.property(
        count,
        count,
        count,
        count,
        count,
        count,
        count,
        count,
        (rest, read, write5m, write1h, audio, plain, reasoning, spoken) => {
          const input = rest + read + write5m + write1h + audio;
          const output = plain + reasoning + spoken;
          const { tokens } = parse({
            tokens: {
              input,
              output,
              cacheRead: read,
              cacheWrite5m: write5m,
              cacheWrite1h: write1h,
              inputAudio: audio,
              reasoning,
              outputAudio: spoken,
            },
          });
          const totals = inclusive(tokens);
          expect([totals.input, totals.output, totals.total].map(String)).toEqual([input, output, input + output].map(String));
          expect(TOKEN_POOLS.some((pool) => tokens[pool].isNegative())).toBe(false);
        },
      ),
    );
  });

  test('3.4 parts larger than their total are refused, never clamped', () => {
    const cases = [
      { input: 100, cacheRead: 101 },
      { input: 100, cacheRead: 50, cacheWrite5m: 30, cacheWrite1h: 20, inputAudio: '0.000000000001' },
    ];
    for (const tokens of cases) expect(refused({ tokens })).toEqual(['TOKEN_PARTS_EXCEED_TOTAL', 'tokens.input']);
    expect(refused({ tokens: { output: 10, reasoning: 6, outputAudio: 5 } })).toEqual(['TOKEN_PARTS_EXCEED_TOTAL', 'tokens.output']);
    expect(parse({ tokens: { input: 100, cacheRead: 100 } }).tokens.uncachedInput.isZero()).toBe(true);
  });

  test('3.4 a part without its total is refused, unless it is 0', () => {
    expect(refused({ tokens: { cacheRead: 5, output: 10 } })).toEqual(['TOKEN_TOTAL_MISSING', 'tokens.input']);
    expect(refused({ tokens: { input: 5, reasoning: 10 } })).toEqual(['TOKEN_TOTAL_MISSING', 'tokens.output']);
    expect(parse({ tokens: { output: 10, cacheRead: 0 } }).tokens.plainOutput.toString()).toBe('10');
  });
});

describe('the contents of an event', () => {
  const rich = {
    model: 'm',
    tokens: { input: 10, output: 5, cacheRead: 2 },
    quantity: 1,
    reportedCost: { amount: '0.10', currency: 'USD' },
    properties: { a: { x: 1, y: [1, { p: 1, q: 2 }] }, b: 'two' },
  };

  test('3.1 are equal after normalisation: 1.0 = 1, the order of keys is ignored, digits past the microsecond are cut', () => {
    const same = {
      properties: { b: 'two', a: { y: [1, { q: 2, p: 1 }], x: 1.0 } },
      reportedCost: { currency: 'USD', amount: 0.1 },
      quantity: '1.0',
      tokens: { cacheRead: '2.000', output: '5', input: '1e1' },
      model: 'm',
      user: null,
      at: '2026-03-15T12:59:00.0000009+01:00',
    };
    expect(contentText(parse(same))).toBe(contentText(parse(rich)));
  });

  test('3.1 do not include the key', () => {
    expect(contentText(parse({ ...rich, key: 'other' }))).toBe(contentText(parse(rich)));
  });

  test('3.1 differ when any field differs', () => {
    const changes: object[] = [
      ...['customer', 'type', 'provider', 'model', 'serviceTier', 'region', 'pool', 'feature', 'subscription', 'user', 'traceId'].map(
        (field) => ({
          [field]: 'changed',
        }),
      ),
      { at: '2026-03-15T11:59:00.000001Z' },
      { outcome: 'FAILED' },
      { durationMs: 1 },
      { quantity: 2 },
      { gpuSeconds: 1 },
      ...['input', 'output', 'cacheRead'].map((count) => ({ tokens: { ...rich.tokens, [count]: 7 } })),
      { tokens: { ...rich.tokens, cacheRead: 0, cacheWrite5m: 2 } },
      { tokens: null },
      { reportedCost: { amount: '0.11', currency: 'USD' } },
      { reportedCost: { amount: '0.10', currency: 'EUR' } },
      { reportedCost: null },
      { properties: { ...rich.properties, b: 'three' } },
      { properties: { ...rich.properties, b: null } },
      { properties: null },
    ];
    const contents = [{}, ...changes].map((change) => contentText(parse({ ...rich, ...change })));
    expect(new Set(contents).size).toBe(contents.length);
  });

  test('3.1 a text in one field is never taken for a text in another', () => {
    expect(contentText(parse({ user: 'x' }))).not.toBe(contentText(parse({ traceId: 'x' })));
    expect(contentText(parse({ user: 'a|-|1:b' }))).not.toBe(contentText(parse({ user: 'a', traceId: 'b' })));
  });

  test('3.1 properties that differ in value differ in contents, those that differ in order do not', () => {
    const object = fc.dictionary(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 5 }).filter((name) => !name.includes('\0')),
      fc.oneof(fc.integer(), fc.boolean()),
      { maxKeys: 6 },
    );
    fc.assert(
      fc.property(object, object, (a, b) => {
        const reversed = Object.fromEntries(Object.entries(a).reverse());
        expect(contentText(parse({ properties: reversed }))).toBe(contentText(parse({ properties: a })));
        const isSame = JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
        expect(contentText(parse({ properties: a })) === contentText(parse({ properties: b }))).toBe(isSame);
      }),
    );
  });

  test('the text of an event does not change from one release to the next: stored hashes depend on it', () => {
    const event = { ...parse(rich), quantity: Decimal.ONE };
    expect(contentText(event)).toBe(
      '1|4:acme|16:1773575940000000|14:llm.completion|-|1:m|-|-|-|-|9:SUCCEEDED|-|-|-|-|16:8 2 0 0 0 5 0 0 |1:1|1:0|7:0.1 USD' +
        '|45:{"a":{"x":1,"y":[1,{"p":1,"q":2}]},"b":"two"}',
    );
  });
});
