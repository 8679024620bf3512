import { CodedError, Decimal, optionalAmount } from '@tare/core';
import {
  CACHE_READ,
  CACHE_WRITE,
  CACHE_WRITE_1H,
  INPUT,
  INPUT_AUDIO,
  OUTPUT,
  OUTPUT_AUDIO,
  REASONING,
  TOTAL,
  firstValue,
} from './otlp-attributes.ts';
import type { OtlpAttributes } from './otlp-span.ts';

/** TokensInput of a native event: totals that include their parts, as texts. */
export type OtlpTokens = Readonly<Record<string, string>>;

type Count = Decimal | null;

/**
 * The tokens of a span. By the convention, input and output are totals that include their parts (SEMANTICS 3.4). Where the span's own total says otherwise, exactly
 * (total = input + output + reasoning, or + cache), or the tenant does, the parts are added to them. Parts that exceed their total are refused by the native event.
 * @param type of the event: an embedding has input only
 * @throws CodedError TOKENS_NOT_SPLIT, TOKEN_PARTS_EXCEED_TOTAL, those of a count
 */
export function tokensOfSpan(attributes: OtlpAttributes, type: string, isCacheBeside: boolean): OtlpTokens {
  const input = countOf(attributes, INPUT);
  const output = countOf(attributes, OUTPUT);
  const total = countOf(attributes, TOTAL);
  const reasoning = countOf(attributes, REASONING);
  const cacheRead = countOf(attributes, CACHE_READ);
  const cacheWrite = countOf(attributes, CACHE_WRITE);
  const cacheWrite1h = countOf(attributes, CACHE_WRITE_1H);
  if (input === null && output === null && total !== null) return totalOnly(total, type);
  const cache = sum(cacheRead, cacheWrite ?? cacheWrite1h);
  const beside = partsBeside(total?.minus(sum(input, output)) ?? null, reasoning ?? Decimal.ZERO, cache);
  return textsOf({
    input: isCacheBeside || beside.isCache ? sum(input, cache) : input,
    output: beside.isReasoning ? sum(output, reasoning) : output,
    cacheRead,
    ...cacheWrites(cacheWrite, cacheWrite1h),
    inputAudio: countOf(attributes, INPUT_AUDIO),
    reasoning,
    outputAudio: countOf(attributes, OUTPUT_AUDIO),
  });
}

/** Which parts a span's total counts beside input and output. Nothing where the total has none left over, or what is left over is neither. */
function partsBeside(rest: Count, reasoning: Decimal, cache: Decimal): { isReasoning: boolean; isCache: boolean } {
  if (rest === null || !rest.isPositive()) return { isReasoning: false, isCache: false };
  const isBoth = rest.equals(reasoning.plus(cache));
  return { isReasoning: isBoth || rest.equals(reasoning), isCache: isBoth || (rest.equals(cache) && !rest.equals(reasoning)) };
}

/** A total alone is input for what has no output; else its price cannot be told. */
function totalOnly(total: Decimal, type: string): OtlpTokens {
  if (type === 'llm.embedding' || type === 'llm.rerank' || total.isZero()) return { input: total.toString() };
  throw new CodedError('TOKENS_NOT_SPLIT', 'A total alone has no price: set gen_ai.usage.input_tokens and gen_ai.usage.output_tokens.');
}

/** The convention does not tell how long cache writes live; those that ours does not say live for an hour live for five minutes. */
function cacheWrites(all: Count, hour: Count): Record<'cacheWrite5m' | 'cacheWrite1h', Count> {
  if (all === null || hour === null) return { cacheWrite5m: all, cacheWrite1h: hour };
  const rest = all.minus(hour);
  if (!rest.isNegative()) return { cacheWrite5m: rest, cacheWrite1h: hour };
  throw new CodedError('TOKEN_PARTS_EXCEED_TOTAL', 'The total includes its parts, and these are more than it.', CACHE_WRITE_1H[0]);
}

/** The first of some attributes that is a count; where several instrumentations wrote, they mean the same. */
function countOf(attributes: OtlpAttributes, names: readonly string[]): Count {
  const value = firstValue(attributes, names);
  if (value === null) return null;
  const path = names.find((name) => attributes.get(name) === value) ?? '';
  // Some exporters write integers as doubles, and some as texts: each has one decimal form.
  return optionalAmount(typeof value === 'bigint' ? value.toString() : value, path);
}

const sum = (a: Count, b: Count): Decimal => (a ?? Decimal.ZERO).plus(b ?? Decimal.ZERO);

function textsOf(counts: Readonly<Record<string, Count>>): OtlpTokens {
  const texts: Record<string, string> = {};
  for (const [name, count] of Object.entries(counts)) if (count !== null) texts[name] = count.toString();
  return texts;
}
