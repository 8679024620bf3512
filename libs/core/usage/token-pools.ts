import { Decimal } from '../money/index.ts';
import { TOKEN_POOLS } from './usage-record.ts';
import type { TokenPool, TokenPools } from './usage-record.ts';

export const NO_TOKENS: TokenPools = {
  uncachedInput: Decimal.ZERO,
  cacheRead: Decimal.ZERO,
  cacheWrite5m: Decimal.ZERO,
  cacheWrite1h: Decimal.ZERO,
  inputAudio: Decimal.ZERO,
  plainOutput: Decimal.ZERO,
  reasoning: Decimal.ZERO,
  outputAudio: Decimal.ZERO,
};

/** Totals as the OpenTelemetry convention counts them: parts included (SEMANTICS 3.4). */
export interface InclusiveTokens {
  readonly total: Decimal;
  readonly input: Decimal;
  readonly output: Decimal;
}

export function inclusiveInput(tokens: TokenPools): Decimal {
  return tokens.uncachedInput.plus(tokens.cacheRead).plus(tokens.cacheWrite5m).plus(tokens.cacheWrite1h).plus(tokens.inputAudio);
}

export function inclusiveOutput(tokens: TokenPools): Decimal {
  return tokens.plainOutput.plus(tokens.reasoning).plus(tokens.outputAudio);
}

/** Inclusive totals of exclusive pools. */
export function inclusive(tokens: TokenPools): InclusiveTokens {
  const input = inclusiveInput(tokens);
  const output = inclusiveOutput(tokens);
  return { total: input.plus(output), input, output };
}

export function addPools(a: TokenPools, b: TokenPools): TokenPools {
  return {
    uncachedInput: a.uncachedInput.plus(b.uncachedInput),
    cacheRead: a.cacheRead.plus(b.cacheRead),
    cacheWrite5m: a.cacheWrite5m.plus(b.cacheWrite5m),
    cacheWrite1h: a.cacheWrite1h.plus(b.cacheWrite1h),
    inputAudio: a.inputAudio.plus(b.inputAudio),
    plainOutput: a.plainOutput.plus(b.plainOutput),
    reasoning: a.reasoning.plus(b.reasoning),
    outputAudio: a.outputAudio.plus(b.outputAudio),
  };
}

/** Whether any pool differs from 0. */
export function hasAnyTokens(tokens: TokenPools): boolean {
  return TOKEN_POOLS.some((pool) => !tokens[pool].isZero());
}

/** What a meter or a filter may call a token count. */
export type TokenProperty = 'tokens.total' | 'tokens.input' | 'tokens.output' | `tokens.${TokenPool}`;

const POOL_BY_PROPERTY: ReadonlyMap<string, TokenPool> = new Map(TOKEN_POOLS.map((pool) => [`tokens.${pool}`, pool]));

export function isTokenProperty(property: string): property is TokenProperty {
  return property === 'tokens.total' || property === 'tokens.input' || property === 'tokens.output' || POOL_BY_PROPERTY.has(property);
}

/** The pools that a token property counts; inclusive ones count several (SEMANTICS 4.8). */
export function poolsOfProperty(property: TokenProperty): readonly TokenPool[] {
  if (property === 'tokens.total') return TOKEN_POOLS;
  if (property === 'tokens.input') return ['uncachedInput', 'cacheRead', 'cacheWrite5m', 'cacheWrite1h', 'inputAudio'];
  if (property === 'tokens.output') return ['plainOutput', 'reasoning', 'outputAudio'];
  const pool = POOL_BY_PROPERTY.get(property);
  return pool === undefined ? [] : [pool];
}

export function tokenCount(property: TokenProperty, tokens: TokenPools): Decimal {
  if (property === 'tokens.total') return inclusive(tokens).total;
  if (property === 'tokens.input') return inclusiveInput(tokens);
  if (property === 'tokens.output') return inclusiveOutput(tokens);
  const pool = POOL_BY_PROPERTY.get(property);
  return pool === undefined ? Decimal.ZERO : tokens[pool];
}
