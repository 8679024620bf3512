import { randomBytes } from 'node:crypto';

/**
 * Usage as an AI company sends it: 500 customers, the largest with a tenth of the requests and the first fifty with two thirds of them (real shares
 * are steeper: ServeGen's first client has 30 %, its first ten 93 %); each customer uses two of eight models with list prices and two features; a third
 * of the prompts comes partly from cache.
 */
export interface BenchEvent {
  readonly key: string;
  readonly customer: string;
  readonly type: string;
  readonly at: string;
  readonly provider: string;
  readonly model: string;
  readonly tokens: { readonly input: number; readonly output: number; readonly cacheRead: number };
  readonly feature: string;
}

export type KeyOrder = 'time' | 'random';

const CUSTOMERS = 500;
const MODELS = [
  ['openai', 'gpt-4o'],
  ['openai', 'gpt-4o-mini'],
  ['openai', 'gpt-4.1'],
  ['openai', 'o3'],
  ['anthropic', 'claude-sonnet-4-5'],
  ['anthropic', 'claude-opus-4-1'],
  ['anthropic', 'claude-3-5-haiku-latest'],
  ['google', 'gemini-2.5-flash'],
] as const;
const FEATURES = ['chat', 'search', 'agent', 'summary', 'code'];

/** Running sums of 1/n. */
const SHARES: readonly number[] = Array.from({ length: CUSTOMERS }).reduce<number[]>(
  (sums, _, n) => [...sums, (sums.at(-1) ?? 0) + 1 / (n + 1)],
  [],
);

/** Makes events one after the other; whole numbers below a bound come from a seed, keys never repeat. */
export class EventSource {
  private state: number;
  private made = 0;

  constructor(
    private readonly keys: KeyOrder = 'time',
    seed = 20_261_122,
  ) {
    this.state = seed;
  }

  next(): BenchEvent {
    const now = Date.now();
    const customer = this.customer();
    const [provider, model] = MODELS[(customer * 3 + this.below(2)) % MODELS.length] ?? MODELS[0];
    const input = 200 + this.below(8_000);
    this.made += 1;
    return {
      key: this.keys === 'time' ? timeOrderedUuid(now, this.made) : `req_${randomBytes(12).toString('hex')}`,
      customer: `customer-${customer}`,
      type: 'llm.completion',
      at: new Date(now - this.below(60_000)).toISOString(),
      provider,
      model,
      tokens: { input, output: 20 + this.below(1_500), cacheRead: this.below(3) === 0 ? this.below(input) : 0 },
      feature: FEATURES[(customer + this.below(2)) % FEATURES.length] ?? 'chat',
    };
  }

  batch(size: number): BenchEvent[] {
    return Array.from({ length: size }, () => this.next());
  }

  /** Harmonic shares: the nth customer has 1/n of the first one's requests. */
  private customer(): number {
    const share = (this.below(1_000_000) / 1_000_000) * (SHARES.at(-1) ?? 1);
    let [low, high] = [0, CUSTOMERS - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((SHARES[middle] ?? 0) <= share) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private below(bound: number): number {
    this.state = (Math.imul(this.state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * bound);
  }
}

/** A UUID of version 7. */
export function timeOrderedUuid(milliseconds: number, counter: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(milliseconds, 0, 6);
  bytes.writeUInt16BE(0x7000 | (counter & 0xfff), 6);
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
