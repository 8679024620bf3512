import { Decimal } from '../money/index.ts';
import { parseInstant } from '../time/index.ts';
import { TOKEN_POOLS } from '../usage/index.ts';
import type { TokenPools, UsageRecord } from '../usage/index.ts';

const ZERO_POOLS = Object.fromEntries(TOKEN_POOLS.map((pool) => [pool, Decimal.ZERO])) as unknown as TokenPools;

/** One event of a model call; `at` is RFC 3339. */
export function sampleUsage(at: string, more: Partial<UsageRecord> & { input?: string } = {}): UsageRecord {
  const { input = '0', ...rest } = more;
  return {
    type: 'llm.completion',
    provider: 'openai',
    model: 'gpt-5',
    serviceTier: null,
    region: null,
    pool: null,
    feature: null,
    outcome: 'SUCCEEDED',
    subscription: null,
    costState: 'PRICED',
    costCurrency: 'USD',
    from: parseInstant(at),
    events: Decimal.ONE,
    tokens: { ...ZERO_POOLS, uncachedInput: Decimal.parse(input) },
    quantity: Decimal.ZERO,
    gpuSeconds: Decimal.ZERO,
    cost: Decimal.ZERO,
    restatedCost: Decimal.ZERO,
    user: null,
    traceId: null,
    properties: null,
    ...rest,
  };
}
