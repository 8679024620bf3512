import { canonicalJson } from './event-properties.ts';
import type { TokenPools } from './usage-record.ts';
import type { UsageEvent } from './usage-event.ts';

/** Says which fields follow in which order. A change of either needs a new number, and the old text for keys that were hashed with it. */
const FORMAT = '1';

const NOTHING = '|-';

/**
 * The contents of an event as one text, without its key: equal for events that say the same (1.0 = 1, order of keys ignored), different for all
 * others (SEMANTICS 3.1). Callers hash it and compare it for KEY_REUSED. Every part is preceded by its length, so none can pass for two.
 */
export function contentText(event: UsageEvent): string {
  const { reportedCost, properties, durationMs } = event;
  return (
    FORMAT +
    part(event.customer) +
    part(String(event.at)) +
    whatText(event) +
    part(event.user) +
    part(durationMs === null ? null : String(durationMs)) +
    part(event.traceId) +
    (event.hasTokens ? part(tokensText(event.tokens)) : NOTHING) +
    part(event.quantity.toString()) +
    part(event.gpuSeconds.toString()) +
    part(reportedCost === null ? null : `${reportedCost.amount.toString()} ${reportedCost.currency}`) +
    part(properties === null ? null : canonicalJson(properties))
  );
}

function part(text: string | null): string {
  return text === null ? NOTHING : `|${text.length}:${text}`;
}

type What = Pick<UsageEvent, 'type' | 'provider' | 'model' | 'serviceTier' | 'region' | 'pool' | 'feature' | 'outcome' | 'subscription'>;

/** What was used, of the last event of each model: most events repeat it, and comparing is cheaper than writing. */
const lastOfModel = new Map<string | null, What & { readonly text: string }>();
const MOST_MODELS = 1_000;

function whatText(event: UsageEvent): string {
  const last = lastOfModel.get(event.model);
  if (last !== undefined && isSame(last, event)) return last.text;
  const { type, provider, model, serviceTier, region, pool, feature, outcome, subscription } = event;
  const text =
    part(type) +
    part(provider) +
    part(model) +
    part(serviceTier) +
    part(region) +
    part(pool) +
    part(feature) +
    part(outcome) +
    part(subscription);
  if (lastOfModel.size >= MOST_MODELS) lastOfModel.clear();
  lastOfModel.set(model, { type, provider, model, serviceTier, region, pool, feature, outcome, subscription, text });
  return text;
}

/** The model is known to be. */
function isSame(a: What, b: What): boolean {
  return (
    a.type === b.type &&
    a.provider === b.provider &&
    a.serviceTier === b.serviceTier &&
    a.region === b.region &&
    a.pool === b.pool &&
    a.feature === b.feature &&
    a.outcome === b.outcome &&
    a.subscription === b.subscription
  );
}

/** The counts in the order of TOKEN_POOLS; what is hashed is kept, so the order never changes. */
function tokensText(tokens: TokenPools): string {
  const { uncachedInput, cacheRead, cacheWrite5m, cacheWrite1h, inputAudio, plainOutput, reasoning, outputAudio } = tokens;
  const input = `${uncachedInput.toString()} ${cacheRead.toString()} `;
  const rareInput =
    cacheWrite5m.isZero() && cacheWrite1h.isZero() && inputAudio.isZero()
      ? '0 0 0 '
      : `${cacheWrite5m.toString()} ${cacheWrite1h.toString()} ${inputAudio.toString()} `;
  const parts = reasoning.isZero() && outputAudio.isZero() ? '0 0 ' : `${reasoning.toString()} ${outputAudio.toString()} `;
  return `${input}${rareInput}${plainOutput.toString()} ${parts}`;
}
