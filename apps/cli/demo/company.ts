/** The demo's company: made up, but skewed as a real one. Everything here is created through the public API. */

export const DEMO_SEED = 20260901;
/** Two months of usage. */
export const DEMO_START = '2026-09-01T00:00:00Z';
export const DEMO_MIDDLE = '2026-10-01T00:00:00Z';
export const DEMO_END = '2026-11-01T00:00:00Z';

export interface DemoCustomer {
  readonly key: string;
  readonly name: string;
  readonly plan: 'metered' | 'flat' | 'credits' | 'site';
  readonly timeZone: string;
  readonly startsAt: string;
  /** Its share of all usage. */
  readonly weight: number;
}

export const METERS = [
  { key: 'input-tokens', name: 'Input tokens', eventType: '*', aggregation: 'SUM', valueProperty: 'tokens.input' },
  { key: 'output-tokens', name: 'Output tokens', eventType: '*', aggregation: 'SUM', valueProperty: 'tokens.output' },
  { key: 'all-tokens', name: 'Tokens', eventType: '*', aggregation: 'SUM', valueProperty: 'tokens.total' },
] as const;

const monthly = { currency: 'USD', interval: 'MONTH', alignment: 'CALENDAR' } as const;

export const PLANS = [
  {
    ...monthly,
    key: 'metered',
    name: 'Metered',
    kind: 'PER_QUERY',
    prices: [
      { key: 'input', model: 'PER_UNIT', meter: 'input-tokens', unitPrice: '0.0000032' },
      {
        key: 'output',
        model: 'GRADUATED',
        meter: 'output-tokens',
        tiers: [{ upTo: '5000000', unitPrice: '0.000016' }, { upTo: '50000000', unitPrice: '0.000014' }, { unitPrice: '0.000012' }],
      },
    ],
  },
  {
    ...monthly,
    key: 'flat',
    name: 'Flat',
    kind: 'SUBSCRIPTION',
    prices: [
      { key: 'fee', model: 'FLAT', amount: '19' },
      { key: 'overage', model: 'PER_UNIT', meter: 'all-tokens', unitPrice: '0.0000025', includedQuantity: '250000000' },
    ],
  },
  {
    ...monthly,
    key: 'credits',
    name: 'Credits',
    kind: 'CREDIT',
    prices: [],
    creditsPerInterval: '800',
    creditPrice: '0.01',
    creditExhaustion: 'OVERAGE',
    overagePricePerCredit: '0.012',
    burnRates: [
      { meter: 'input-tokens', creditsPerUnit: '0.00011' },
      { meter: 'output-tokens', creditsPerUnit: '0.00045' },
    ],
  },
  {
    ...monthly,
    key: 'site',
    name: 'Site license',
    kind: 'SITE_LICENSE',
    prices: [{ key: 'license', model: 'FLAT', amount: '750' }],
    termIntervals: 12,
    autoRenew: true,
    fairUse: [{ meter: 'all-tokens', quantity: '500000000' }],
  },
] as const;

export const CAPACITY_POOL = {
  key: 'h100-eu',
  name: 'H100s in Frankfurt',
  deployment: 'ON_PREMISE',
  currency: 'USD',
  validFrom: DEMO_START,
  gpus: 1,
  hourlyCost: '1.20',
  idlePolicy: 'BY_USE',
} as const;

/** What is served, how often, how large, and at what share of it is read from cache. */
export const MODELS = [
  { weight: 30, provider: 'openai', model: 'gpt-4o-mini', input: 6000, output: 500, cached: 0.2, reasoning: false },
  { weight: 22, provider: 'openai', model: 'gpt-4o', input: 7000, output: 600, cached: 0.25, reasoning: false },
  { weight: 14, provider: 'anthropic', model: 'claude-sonnet-4-5', input: 9000, output: 900, cached: 0.5, reasoning: false },
  { weight: 10, provider: 'anthropic', model: 'claude-haiku-4-5', input: 5000, output: 400, cached: 0.4, reasoning: false },
  { weight: 10, provider: 'google', model: 'gemini-2.5-flash', input: 8000, output: 600, cached: 0, reasoning: false },
  { weight: 7, provider: 'openai', model: 'o3-mini', input: 3000, output: 2500, cached: 0.1, reasoning: true },
  { weight: 15, provider: 'self-hosted', model: 'llama-3.3-70b', input: 4000, output: 500, cached: 0, reasoning: false },
  { weight: 1, provider: 'nebula', model: 'nebula-preview', input: 4000, output: 500, cached: 0, reasoning: false },
] as const;

/** With the instant at which September begins there: each customer starts with a whole month of its own zone. */
const ZONES = [
  { timeZone: 'UTC', september: '2026-09-01T00:00:00Z' },
  { timeZone: 'Europe/Berlin', september: '2026-08-31T22:00:00Z' },
  { timeZone: 'Asia/Tokyo', september: '2026-08-31T15:00:00Z' },
  { timeZone: 'Asia/Kathmandu', september: '2026-08-31T18:15:00Z' },
] as const;
const NAMES = [
  'Alder', 'Birch', 'Cedar', 'Dogwood', 'Elm', 'Fir', 'Ginkgo', 'Hazel', 'Ironwood', 'Juniper', 'Koa', 'Larch', 'Maple', 'Nutmeg', 'Oak', 'Pine',
  'Quince', 'Rowan', 'Spruce', 'Teak', 'Umbrella', 'Viburnum', 'Willow', 'Xylosma', 'Yew', 'Zelkova', 'Acacia', 'Balsa', 'Cypress', 'Durian', 'Ebony',
  'Fig', 'Gum', 'Hickory', 'Ilex', 'Jarrah', 'Kauri', 'Laurel', 'Mahogany', 'Neem', 'Olive', 'Palm', 'Redwood', 'Sequoia',
] as const; // prettier-ignore
const PLAN_OF_RANK = ['metered', 'flat', 'site', 'credits', 'flat', 'metered', 'credits', 'flat', 'metered', 'flat'] as const;

/**
 * Shares as skewed as measured on a production service: the largest customer has 29.9 % of requests, the ten largest 92.8 %.
 * Between those anchors they fall geometrically.
 */
function shareOfRank(rank: number, customers: number): number {
  const geometric = (from: number, count: number, total: number, ratio: number): number =>
    (total * (1 - ratio) * ratio ** (rank - from)) / (1 - ratio ** count);
  if (rank === 0) return 0.299;
  return rank < 10 ? geometric(1, 9, 0.929 - 0.3, 0.75) : geometric(10, customers - 10, 0.072, 0.92);
}

/** Who came later, in the middle of a month. */
const LATE_START = '2026-09-12T08:30:00Z';

export const CUSTOMERS: readonly DemoCustomer[] = NAMES.map((name, rank) => {
  const { timeZone, september } = ZONES[rank % ZONES.length] ?? ZONES[0];
  return {
    key: name.toLowerCase(),
    name: `${name} Labs`,
    plan: PLAN_OF_RANK[rank % PLAN_OF_RANK.length] ?? 'metered',
    timeZone,
    startsAt: rank % 11 === 10 ? LATE_START : september,
    weight: shareOfRank(rank, NAMES.length),
  };
});
