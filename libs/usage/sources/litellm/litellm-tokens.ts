import { CodedError, Decimal, optionalAmount, type WireObject } from '@tare/core';
import { objectAt } from './litellm-fields.ts';

/** TokensInput of a native event: totals that include their parts, as texts. */
export type LitellmTokens = Readonly<Record<string, string>>;

type Count = Decimal | null;

/**
 * The tokens of LiteLLM's usage object, whose totals include their parts for every provider (SEMANTICS 3.4): cache reads and writes are in
 * `prompt_tokens`, reasoning is in `completion_tokens`. Where the total says that a provider's reasoning stood beside its completion
 * (total = prompt + completion + reasoning), it is added. Parts that exceed their total are refused by the native event.
 * @param path what stands before the names of its fields in errors
 * @returns null where no count is there
 * @throws CodedError those of a count
 */
export function tokensOfLitellm(usage: WireObject, path: string): LitellmTokens | null {
  const at = (holder: WireObject, name: string, within = ''): Count => countAt(holder, name, `${path}${within}${name}`);
  const promptDetails = objectAt(usage, 'prompt_tokens_details');
  const completionDetails = objectAt(usage, 'completion_tokens_details');
  const input = at(usage, 'prompt_tokens');
  const completion = at(usage, 'completion_tokens');
  const reasoning = at(completionDetails, 'reasoning_tokens', 'completion_tokens_details.');
  if (input === null && completion === null) return null;
  const isBeside = isReasoningBeside(input, completion, reasoning, at(usage, 'total_tokens'));
  const output = isBeside ? sum(completion, reasoning) : completion;
  return textsOf({
    input,
    output,
    cacheRead: firstOf(at(promptDetails, 'cached_tokens', 'prompt_tokens_details.'), at(usage, 'cache_read_input_tokens')),
    ...cacheWrites(usage, promptDetails, path),
    inputAudio: at(promptDetails, 'audio_tokens', 'prompt_tokens_details.'),
    reasoning,
    outputAudio: at(completionDetails, 'audio_tokens', 'completion_tokens_details.'),
  });
}

function isReasoningBeside(input: Count, completion: Count, reasoning: Count, total: Count): boolean {
  return reasoning?.isPositive() === true && total?.equals(sum(sum(input, completion), reasoning)) === true;
}

/** By how long they live, where LiteLLM says so; what it does not say is of five minutes, as with the provider. */
function cacheWrites(usage: WireObject, details: WireObject, path: string): Record<'cacheWrite5m' | 'cacheWrite1h', Count> {
  const within = `${path}prompt_tokens_details.`;
  const all = firstOf(
    countAt(details, 'cache_creation_tokens', `${within}cache_creation_tokens`),
    countAt(usage, 'cache_creation_input_tokens', `${path}cache_creation_input_tokens`),
  );
  const byLife = objectAt(details, 'cache_creation_token_details');
  const hour = countAt(byLife, 'ephemeral_1h_input_tokens', `${within}cache_creation_token_details.ephemeral_1h_input_tokens`);
  const minutes = countAt(byLife, 'ephemeral_5m_input_tokens', `${within}cache_creation_token_details.ephemeral_5m_input_tokens`);
  if (all === null) return { cacheWrite5m: minutes, cacheWrite1h: hour };
  const rest = all.minus(hour ?? Decimal.ZERO);
  if (rest.isNegative() || rest.compare(minutes ?? Decimal.ZERO) < 0) {
    throw new CodedError(
      'TOKEN_PARTS_EXCEED_TOTAL',
      'The total includes its parts, and these are more than it.',
      `${within}cache_creation_tokens`,
    );
  }
  return { cacheWrite5m: rest, cacheWrite1h: hour };
}

function countAt(holder: WireObject, name: string, path: string): Count {
  return optionalAmount(Object.hasOwn(holder, name) ? holder[name] : null, path);
}

/** The first that is more than 0: LiteLLM fills one of two places and leaves 0 in the other. */
function firstOf(first: Count, second: Count): Count {
  return first?.isPositive() === true ? first : (second ?? first);
}

function sum(a: Count, b: Count): Decimal {
  return (a ?? Decimal.ZERO).plus(b ?? Decimal.ZERO);
}

function textsOf(counts: Readonly<Record<string, Count>>): LitellmTokens {
  const texts: Record<string, string> = {};
  for (const [name, count] of Object.entries(counts)) if (count !== null) texts[name] = count.toString();
  return texts;
}
