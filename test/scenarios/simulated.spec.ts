import { Decimal, formatInstant } from '@tare/core';
import type { Instant, Period } from '@tare/core';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import type { InvoiceView } from '@tare/billing';
import { SimulationsModule, SimulationsService, type ScenarioInput } from '@tare/simulations';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { TestWorld } from '../../libs/billing/world.fixture.ts';
import { tell, type Story } from './story.ts';

/**
 * SEMANTICS 11.2 over every story: a simulation of the plans that customers really had gives back what their invoices billed, to the cent, for every span
 * between two service periods and for all of it: from the issued invoices, and billed anew in memory from usage, with the state in which the span began.
 */
const FOLDER = path.resolve('test/scenarios');
const stories = readdirSync(FOLDER)
  .filter((file) => /^\d+-.*\.json$/.test(file))
  .sort()
  .map((file) => [file, JSON.parse(readFileSync(path.join(FOLDER, file), 'utf8')) as Story] as const);

let database: TestDatabase;
let world: TestWorld;
beforeAll(async () => {
  database = await createTestDatabase();
  world = await TestWorld.open(database, {}, [SimulationsModule]);
});
afterAll(async () => {
  await world.close();
  await database.drop();
});

/** An assumption that is none: nobody uses this model. It makes the simulation bill everything anew, in memory. */
const NOBODYS_ROUTE = { provider: 'nobody', model: 'nothing', toProvider: 'nobody', toModel: 'less', share: Decimal.ONE };

test.each(stories)('%s', async (_file, story) => {
  const told = await world.neighbour(database);
  await tell(story, told);
  const differences: unknown[] = [];
  for (const { key } of story.customers) {
    // Credits that are bought beside a plan are no plan's.
    const invoices = (await told.invoices(key)).filter(({ status, kind }) => status !== 'VOID' && status !== 'DRAFT' && kind !== 'PREPAID');
    const cutOff = Math.max(0, ...invoices.map(({ finalizedAt }) => finalizedAt ?? 0));
    for (const span of spansOf(invoices)) {
      const billed = async (scenario: Partial<ScenarioInput>, knownAt: Instant | null): Promise<string | undefined> => {
        const input = { from: span.start, to: span.end, customers: [key], knownAt, scenarios: [{ name: 'real plans', ...scenario }] };
        const { scenarios } = await told.get(SimulationsService).simulate(told.tenantId, input, cutOff);
        return scenarios[0]?.customers[0]?.billed.toString();
      };
      const issued = netOf(invoices, span);
      const simulated = [await billed({}, cutOff), await billed({}, null), await billed({ modelRoutes: [NOBODYS_ROUTE] }, null)];
      if (simulated.some((net) => net !== issued))
        differences.push({ key, from: formatInstant(span.start), to: formatInstant(span.end), issued, simulated });
    }
  }
  expect(differences).toEqual([]);
});

/** From each beginning of a service period to the next, and all of it; none that ends inside of a commitment, whose true-up nobody knows before its end. */
function spansOf(invoices: readonly InvoiceView[]): Period[] {
  const periods = invoices.flatMap(({ lines }) => lines.map(({ period }) => period.start));
  const starts = [...new Set(periods)].sort((a, b) => a - b);
  const [first, last] = [starts[0], starts.at(-1)];
  if (first === undefined || last === undefined) return [];
  const trueUps = invoices.flatMap(({ lines }) => lines.filter(({ kind }) => kind === 'COMMITMENT'));
  const cutsCommitment = ({ start, end }: Period): boolean =>
    end !== last + 1 && trueUps.some(({ period }) => start <= period.start && period.start < end && end < period.end);
  const spans = starts.map((start, index) => ({ start, end: starts[index + 1] ?? start + 1 }));
  return [...spans.filter((span) => !cutsCommitment(span)), { start: first, end: last + 1 }];
}

function netOf(invoices: readonly InvoiceView[], { start, end }: Period): string {
  const lines = invoices.flatMap((invoice) => invoice.lines).filter(({ period }) => period.start >= start && period.start < end);
  return Decimal.sum(lines.map(({ amount, discount }) => amount.minus(discount))).toString();
}
