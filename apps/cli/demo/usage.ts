import type { Tokens, UsageEvent } from '@tare/client';
import { CAPACITY_POOL, CUSTOMERS, DEMO_END, DEMO_SEED, DEMO_START, MODELS } from './company.ts';
import { SeededRandom } from './seeded-random.ts';

const DAY_MS = 86_400_000;
const FEATURES = [
  { weight: 50, name: 'chat' },
  { weight: 25, name: 'search' },
  { weight: 15, name: 'agent' },
  { weight: 10, name: 'summary' },
] as const;
/** Requests per hour of the day: quiet nights, busy afternoons. */
const HOURS = Array.from({ length: 24 }, (_, hour) => ({ hour, weight: hour < 7 ? 1 : hour < 10 ? 4 : hour < 19 ? 8 : 3 }));
/** Output tokens that the self-hosted GPU makes in a second for one request. */
const POOL_TOKENS_PER_SECOND = 25;
const RUN_LENGTH = 12;

/** The demo's usage in order of time, always the same for the same count. */
export function* demoUsage(count: number): Generator<UsageEvent> {
  const random = new SeededRandom(DEMO_SEED);
  const start = Date.parse(DEMO_START);
  const days = (Date.parse(DEMO_END) - start) / DAY_MS;
  let made = 0;
  for (let day = 0; day < days; day++) {
    const untilNow = Math.round((count * (day + 1)) / days);
    const times = Array.from({ length: untilNow - made }, () => start + day * DAY_MS + timeOfDay(random)).sort((a, b) => a - b);
    for (const at of times) yield demoEvent(random, ++made, new Date(at));
  }
}

const timeOfDay = (random: SeededRandom): number => random.pick(HOURS).hour * 3_600_000 + random.whole(0, 3_599_999);

function demoEvent(random: SeededRandom, number: number, at: Date): UsageEvent {
  const customer = random.pick(CUSTOMERS);
  const model = random.pick(MODELS);
  const feature = random.pick(FEATURES).name;
  const failed = random.chance(0.01);
  const tokens = demoTokens(random, model, feature === 'agent', failed);
  return {
    key: `demo-${String(number).padStart(9, '0')}`,
    customer: customer.key,
    type: 'llm.completion',
    at: at.toISOString(),
    provider: model.provider,
    model: model.model,
    feature,
    tokens,
    user: `${customer.key}-user-${random.whole(1, 40)}`,
    ...(failed ? { outcome: 'FAILED' as const } : {}),
    ...(feature === 'agent' ? { traceId: `run-${Math.floor(number / RUN_LENGTH)}-${customer.key}` } : {}),
    ...(model.provider === 'self-hosted' ? { pool: CAPACITY_POOL.key, gpuSeconds: gpuSecondsOf(tokens) } : {}),
  };
}

function demoTokens(random: SeededRandom, model: (typeof MODELS)[number], agent: boolean, failed: boolean): Tokens {
  const input = random.skewed(model.input * (agent ? 2.5 : 1));
  const output = failed ? 0 : random.skewed(model.output);
  const cacheRead = model.cached > 0 && random.chance(0.6) ? Math.floor(input * model.cached * random.next() * 1.6) : 0;
  return {
    input,
    output,
    ...(cacheRead > 0 ? { cacheRead: Math.min(cacheRead, input) } : {}),
    ...(model.reasoning ? { reasoning: Math.floor(output * 0.7) } : {}),
  };
}

/** Milliseconds of one GPU, as a decimal text. */
function gpuSecondsOf(tokens: Tokens): string {
  const milliseconds = Math.round((Number(tokens.input ?? 0) / 8 + Number(tokens.output ?? 0)) * (1_000 / POOL_TOKENS_PER_SECOND));
  return `${Math.floor(milliseconds / 1_000)}.${String(milliseconds % 1_000).padStart(3, '0')}`;
}
