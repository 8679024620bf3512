import { canonicalJson } from './event-properties.ts';
import { TOKEN_POOLS } from './usage-record.ts';
import type { TokenPools } from './usage-record.ts';
import type { UsageEvent } from './usage-event.ts';

/** Says which fields follow in which order. A change of either needs a new number, and the old text for keys that were hashed with it. */
const FORMAT = '1';

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
    part(event.type) +
    part(event.provider) +
    part(event.model) +
    part(event.serviceTier) +
    part(event.region) +
    part(event.pool) +
    part(event.feature) +
    part(event.outcome) +
    part(event.subscription) +
    part(event.user) +
    part(durationMs === null ? null : String(durationMs)) +
    part(event.traceId) +
    part(event.hasTokens ? tokensText(event.tokens) : null) +
    part(event.quantity.toString()) +
    part(event.gpuSeconds.toString()) +
    part(reportedCost === null ? null : `${reportedCost.amount.toString()} ${reportedCost.currency}`) +
    part(properties === null ? null : canonicalJson(properties))
  );
}

function part(text: string | null): string {
  return text === null ? '|-' : `|${text.length}:${text}`;
}

/** The counts in the order of TOKEN_POOLS. */
function tokensText(tokens: TokenPools): string {
  let text = '';
  for (const pool of TOKEN_POOLS) text += `${tokens[pool].toString()} `;
  return text;
}
