import { SPAN_END, SPAN_START, type ChaosEvent, type ChaosEvents } from './chaos-events.ts';
import type { InsistentClient } from './insistent-client.ts';

/** A meter that reads single events, and how a model of it counts. */
interface ChaosMeter {
  readonly input: Readonly<Record<string, unknown>>;
  readonly window: 'HOUR' | 'DAY';
  /** What of an event a count adds up. */
  readonly add: (count: Set<string> | number | undefined, event: ChaosEvent) => Set<string> | number;
}

const OF_ALL = { eventType: '*', groupBy: [] };
const sizeOf = ({ properties }: ChaosEvent): number => Number(properties.size);

export const CHAOS_METERS: readonly ChaosMeter[] = [
  {
    input: { ...OF_ALL, key: 'users', name: 'Users', aggregation: 'UNIQUE_COUNT', valueProperty: 'user' },
    window: 'DAY',
    add: (users, { user }) => (users instanceof Set ? users.add(user) : new Set([user])),
  },
  {
    input: { ...OF_ALL, key: 'largest', name: 'Largest size', aggregation: 'MAX', valueProperty: 'properties.size' },
    window: 'HOUR',
    add: (largest, event) => Math.max(typeof largest === 'number' ? largest : -Infinity, sizeOf(event)),
  },
  {
    input: { ...OF_ALL, key: 'size', name: 'Size', aggregation: 'SUM', valueProperty: 'properties.size' },
    window: 'DAY',
    add: (sum, event) => (typeof sum === 'number' ? sum : 0) + sizeOf(event),
  },
];

interface UsagePage {
  readonly edges: readonly { readonly node: { readonly customer: string; readonly from: string; readonly value: string } }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

const USAGE = `query ($meter: String!, $from: DateTime!, $to: DateTime!, $window: UsageWindow, $after: String) {
  usage(meter: $meter, from: $from, to: $to, window: $window, timeZone: "UTC", first: 1000, after: $after) {
    edges { node { customer from value } } pageInfo { hasNextPage endCursor }
  }
}`;

/** By customer and window: what the API says a meter counted, against a count of what was sent. Answers how many differ. */
export async function wrongMeterRows(client: InsistentClient, events: ChaosEvents, tell: (line: string) => void): Promise<number> {
  let wrong = 0;
  for (const meter of CHAOS_METERS) {
    const wanted = countedBy(meter, events);
    const answered = await usageOf(client, meter);
    for (const row of new Set([...wanted.keys(), ...answered.keys()])) {
      if (wanted.get(row) === answered.get(row)) continue;
      wrong += 1;
      tell(`wrongMeters: ${String(meter.input['key'])} of ${row} is ${answered.get(row)} and should be ${wanted.get(row)}`);
    }
  }
  return wrong;
}

function countedBy({ window, add }: ChaosMeter, events: ChaosEvents): Map<string, string> {
  const counts = new Map<string, Set<string> | number>();
  for (const event of events.counted()) {
    const start = window === 'DAY' ? `${event.at.slice(0, 10)}T00` : event.at.slice(0, 13);
    const row = `${event.customer} ${start}:00:00.000Z`;
    counts.set(row, add(counts.get(row), event));
  }
  return new Map([...counts].map(([row, count]) => [row, String(count instanceof Set ? count.size : count)]));
}

async function usageOf(client: InsistentClient, { input, window }: ChaosMeter): Promise<Map<string, string>> {
  const rows = new Map<string, string>();
  for (let after: string | null = null, hasNextPage = true; hasNextPage;) {
    const variables: Record<string, unknown> = { meter: input['key'], from: SPAN_START, to: SPAN_END, window, after };
    const page = (await client.graphql(USAGE, variables)) as UsagePage;
    for (const { node } of page.edges) rows.set(`${node.customer} ${new Date(node.from).toISOString()}`, node.value);
    ({ hasNextPage, endCursor: after } = page.pageInfo);
  }
  return rows;
}
