import { CodedError } from '@tare/core';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { NdjsonLines, readLine } from './ndjson-lines.ts';

/** Inputs. Another seed: TARE_FUZZ_SEED. */
const RUNS = 100_000;
const SEED = Number(process.env['TARE_FUZZ_SEED'] ?? 20_261_121);
const MAX_BYTES = 24;

function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Each line as hexadecimal digits, null for one that is too long, by its number. */
function linesOf(pieces: readonly Buffer[], maxBytes = MAX_BYTES): (string | null)[] {
  const lines = new NdjsonLines(maxBytes);
  const found = [...pieces.flatMap((piece) => [...lines.push(piece)]), ...lines.end()];
  if (found.some(({ index }, i) => index !== i)) throw new Error('lines are not numbered from 0 on');
  return found.map(({ bytes }) => bytes?.toString('hex') ?? null);
}

/** The same, by the plainest means. */
function expectedLines(body: Buffer): (string | null)[] {
  const parts = body.toString('latin1').split('\n');
  if (parts.at(-1) === '') parts.pop();
  return parts.map((part, index) => {
    if (part.length > MAX_BYTES) return null;
    return Buffer.from(index === 0 ? part.replace(/^\u00ef\u00bb\u00bf/, '') : part, 'latin1').toString('hex');
  });
}

test(`${RUNS} random bodies in random pieces are the lines that they hold, and no line is more than JSON or a coded refusal (seed ${SEED})`, () => {
  const random = randomNumbers(SEED);
  const alphabet = Buffer.concat([Buffer.from('\n\n\n\r{}[]":,1e- atrue\\u0\uFEFFé😀'), Buffer.from([0, 0xff, 0xc0, 0x80])]);
  let [read, empty, refused] = [0, 0, 0];
  for (let run = 0; run < RUNS; run += 1) {
    const body = Buffer.from(Array.from({ length: random(90) }, () => alphabet[random(alphabet.length)] ?? 0));
    const pieces: Buffer[] = [];
    for (let start = 0; start < body.length;) {
      const end = start + 1 + random(30);
      pieces.push(Buffer.from(body.subarray(start, end)));
      start = end;
    }
    const lines = linesOf(pieces);
    if (JSON.stringify(lines) !== JSON.stringify(expectedLines(body))) throw new Error(`run ${run}: ${body.toString('hex')}`);
    for (const line of lines) {
      if (line === null) continue;
      try {
        if (readLine(Buffer.from(line, 'hex'), 4) === undefined) empty += 1;
        else read += 1;
      } catch (error) {
        if (!(error instanceof CodedError) || !['MALFORMED_JSON', 'JSON_TOO_DEEP'].includes(error.code)) throw error;
        refused += 1;
      }
    }
  }
  expect(Math.min(read, empty, refused)).toBeGreaterThan(RUNS / 100);
});

/** What buffers hold once everything was thrown away that nobody uses. */
function bufferBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().arrayBuffers;
}

test('a line without an end is kept only as far as lines may be long', () => {
  const lines = new NdjsonLines(1_000);
  const before = bufferBytes();
  for (let piece = 0; piece < 2_000; piece += 1) expect([...lines.push(Buffer.alloc(65_536, 0x61))]).toEqual([]);
  expect(bufferBytes() - before).toBeLessThan(64 * 2 ** 20);
  expect([...lines.push(Buffer.from('\n{}'))]).toEqual([{ index: 0, bytes: null }]);
  expect([...lines.end()].map(({ bytes }) => bytes?.toString())).toEqual(['{}']);
});
