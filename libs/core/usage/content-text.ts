import { canonicalJson } from './event-properties.ts';
import { TOKEN_POOLS } from './usage-record.ts';
import type { TokenPools } from './usage-record.ts';
import type { UsageEvent } from './usage-event.ts';

/** Says which fields follow in which order. A change of either needs a new number, and the old text for keys that were hashed with it. */
const FORMAT = 1;

/**
 * The contents of an event as one text, without its key: equal for events that say the same (1.0 = 1, order of keys ignored), different for all
 * others (SEMANTICS 3.1). Callers hash it and compare it for KEY_REUSED.
 */
export function contentText(event: UsageEvent): string {
  const { reportedCost } = event;
  const fields = JSON.stringify([
    FORMAT,
    event.customer,
    event.at,
    event.type,
    event.provider,
    event.model,
    event.serviceTier,
    event.region,
    event.pool,
    event.feature,
    event.outcome,
    event.subscription,
    event.user,
    event.durationMs,
    event.traceId,
    event.hasTokens ? tokensText(event.tokens) : null,
    event.quantity.toString(),
    event.gpuSeconds.toString(),
    reportedCost === null ? null : `${reportedCost.amount.toString()} ${reportedCost.currency}`,
  ]);
  return event.properties === null ? fields : `${fields}${canonicalJson(event.properties)}`;
}

/** The counts in the order of TOKEN_POOLS. */
function tokensText(tokens: TokenPools): string {
  let text = '';
  for (const pool of TOKEN_POOLS) text += `${tokens[pool].toString()} `;
  return text;
}
