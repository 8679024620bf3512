import { CodedError } from '../../coded-error.ts';

/**
 * Token counts in the contract's form (TokensInput, SEMANTICS 3.4): input and output are inclusive totals, the others are parts of them.
 * What was not said is left out, as are parts of 0.
 */
export interface WireTokens {
  readonly input?: number;
  readonly output?: number;
  readonly cacheRead?: number;
  readonly cacheWrite5m?: number;
  readonly cacheWrite1h?: number;
  readonly inputAudio?: number;
  readonly reasoning?: number;
  readonly outputAudio?: number;
}

/** What a reader found: totals that already include their parts; null where the body says nothing. */
export interface FoundTokens {
  readonly input: number | null;
  readonly output: number | null;
  readonly cacheRead?: number;
  readonly cacheWrite5m?: number;
  readonly cacheWrite1h?: number;
  readonly inputAudio?: number;
  readonly reasoning?: number;
  readonly outputAudio?: number;
}

/** How the body calls its totals: refusals name these. */
export interface TotalNames {
  readonly input: string;
  readonly output: string;
}

const PARTS = ['cacheRead', 'cacheWrite5m', 'cacheWrite1h', 'inputAudio', 'reasoning', 'outputAudio'] as const;

/** @throws CodedError TOKEN_PARTS_EXCEED_TOTAL | TOKEN_TOTAL_MISSING (SEMANTICS 3.4: never clamped) */
export function wireTokens(found: FoundTokens, path: string, names: TotalNames): WireTokens {
  const { input, output, cacheRead = 0, cacheWrite5m = 0, cacheWrite1h = 0, inputAudio = 0, reasoning = 0, outputAudio = 0 } = found;
  requireRoom(input, cacheRead + cacheWrite5m + cacheWrite1h + inputAudio, `${path}.${names.input}`);
  requireRoom(output, reasoning + outputAudio, `${path}.${names.output}`);
  const tokens: { -readonly [Name in keyof WireTokens]: number } = {};
  if (input !== null) tokens.input = input;
  if (output !== null) tokens.output = output;
  for (const part of PARTS) {
    const count = found[part];
    if (count !== undefined && count > 0) tokens[part] = count;
  }
  return tokens;
}

function requireRoom(total: number | null, parts: number, path: string): void {
  if (total === null) {
    if (parts === 0) return;
    throw new CodedError('TOKEN_TOTAL_MISSING', 'Parts of this total are given, so the total has to be: it includes them.', path);
  }
  if (parts > total) throw partsExceed(path);
}

export function partsExceed(path: string): CodedError {
  return new CodedError('TOKEN_PARTS_EXCEED_TOTAL', 'The total includes its parts, and these are more than it.', path);
}
