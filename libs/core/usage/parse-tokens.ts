import { CodedError } from '../coded-error.ts';
import { Decimal } from '../money/index.ts';
import { optionalAmount, refuseUnknownFields, requireObject } from './wire-fields.ts';
import type { TokenPools } from './usage-record.ts';

const FIELDS: ReadonlySet<string> = new Set([
  'input',
  'output',
  'cacheRead',
  'cacheWrite5m',
  'cacheWrite1h',
  'reasoning',
  'inputAudio',
  'outputAudio',
]);

/** Which field of an event counts are read from. */
type TokensPath = 'tokens' | 'usage';

/** What errors name: made once, since every event has counts. */
const PATHS = { tokens: pathsIn('tokens'), usage: pathsIn('usage') };

function pathsIn(
  path: TokensPath,
): Readonly<Record<'prefix' | 'input' | 'output' | Exclude<keyof TokenPools, 'uncachedInput' | 'plainOutput'>, string>> {
  const of = (field: string): string => `${path}.${field}`;
  return {
    prefix: of(''),
    input: of('input'),
    output: of('output'),
    cacheRead: of('cacheRead'),
    cacheWrite5m: of('cacheWrite5m'),
    cacheWrite1h: of('cacheWrite1h'),
    inputAudio: of('inputAudio'),
    reasoning: of('reasoning'),
    outputAudio: of('outputAudio'),
  };
}

/**
 * Turns the contract's TokensInput (inclusive totals and their parts, OpenTelemetry GenAI) into exclusive pools (SEMANTICS 3.4).
 * Parts never shrink to fit: a part without its total, or parts that add up to more than it, are refused.
 * @returns null when no count is there
 * @throws CodedError TOKEN_TOTAL_MISSING | TOKEN_PARTS_EXCEED_TOTAL | UNKNOWN_FIELD | those of a number
 */
export function parseTokens(raw: unknown, path: TokensPath = 'tokens'): TokenPools | null {
  if (raw === undefined || raw === null) return null;
  const counts = requireObject(raw, path);
  const paths = PATHS[path];
  refuseUnknownFields(counts, FIELDS, paths.prefix);
  const input = optionalAmount(counts.input, paths.input);
  const output = optionalAmount(counts.output, paths.output);
  const cacheRead = optionalAmount(counts.cacheRead, paths.cacheRead);
  const cacheWrite5m = optionalAmount(counts.cacheWrite5m, paths.cacheWrite5m);
  const cacheWrite1h = optionalAmount(counts.cacheWrite1h, paths.cacheWrite1h);
  const inputAudio = optionalAmount(counts.inputAudio, paths.inputAudio);
  const reasoning = optionalAmount(counts.reasoning, paths.reasoning);
  const outputAudio = optionalAmount(counts.outputAudio, paths.outputAudio);
  const inputParts = add(add(cacheRead, cacheWrite5m), add(cacheWrite1h, inputAudio));
  const outputParts = add(reasoning, outputAudio);
  if (input === null && output === null && inputParts === null && outputParts === null) return null;
  return {
    uncachedInput: restOf(input, inputParts, paths.input),
    cacheRead: cacheRead ?? Decimal.ZERO,
    cacheWrite5m: cacheWrite5m ?? Decimal.ZERO,
    cacheWrite1h: cacheWrite1h ?? Decimal.ZERO,
    inputAudio: inputAudio ?? Decimal.ZERO,
    plainOutput: restOf(output, outputParts, paths.output),
    reasoning: reasoning ?? Decimal.ZERO,
    outputAudio: outputAudio ?? Decimal.ZERO,
  };
}

function add(a: Decimal | null, b: Decimal | null): Decimal | null {
  if (a === null) return b;
  return b === null ? a : a.plus(b);
}

/** What of a total is in none of its parts. Parts of 0 say nothing and need no total. */
function restOf(total: Decimal | null, parts: Decimal | null, path: string): Decimal {
  if (parts === null) return total ?? Decimal.ZERO;
  if (total === null) {
    if (parts.isZero()) return Decimal.ZERO;
    throw new CodedError('TOKEN_TOTAL_MISSING', 'Parts of this total are given, so the total has to be: it includes them.', path);
  }
  const rest = total.minus(parts);
  if (rest.isNegative())
    throw new CodedError('TOKEN_PARTS_EXCEED_TOTAL', 'The total includes its parts, and these are more than it.', path);
  return rest;
}
