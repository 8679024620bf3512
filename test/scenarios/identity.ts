import type { InvoiceView } from '@tare/billing';
import { Decimal, formatInstant } from '@tare/core';
import type { Instant, Period } from '@tare/core';
import { SimulationsService, type ScenarioInput } from '@tare/simulations';
import type { TestWorld } from '../../libs/billing/world.fixture.ts';

const AS_IT_IS: ScenarioInput = { name: 'real plans' };
/** With an assumption that is none: nobody uses this model. It makes the simulation bill everything anew, in memory. */
const ANEW: ScenarioInput = {
  name: 'real plans, billed anew',
  modelRoutes: [{ provider: 'nobody', model: 'nothing', toProvider: 'nobody', toModel: 'less', share: Decimal.ONE }],
};

/** A span for which a simulation of the real plans does not give back what was invoiced. */
interface Difference {
  readonly customer: string;
  readonly from: string;
  readonly to: string;
  readonly issued: string;
  readonly simulated: readonly (string | undefined)[];
}

/**
 * SEMANTICS 11.2: what a simulation of the plans that a customer really had bills other than its invoices did, to the cent, for spans between two service
 * periods and for all of it: from the issued invoices, with and without `knownAt`, and billed anew in memory from usage, with the state in which the span began.
 * @param asks `whole`: only the whole of it. `anew` false: not billed anew, where what was recorded decides (credits that were drawn, periods that stay void)
 */
export async function simulationDifferences(
  world: TestWorld,
  customer: string,
  { whole = false, anew = true }: { readonly whole?: boolean; readonly anew?: boolean } = {},
): Promise<Difference[]> {
  // Credits that are bought beside a plan are no plan's.
  const standing = (await world.invoices(customer)).filter(
    ({ status, kind }) => status !== 'VOID' && status !== 'DRAFT' && kind !== 'PREPAID',
  );
  const cutOff = Math.max(0, ...standing.map(({ finalizedAt }) => finalizedAt ?? 0));
  const billed = async (span: Period, scenarios: readonly ScenarioInput[], knownAt: Instant | null): Promise<(string | undefined)[]> => {
    const input = { from: span.start, to: span.end, customers: [customer], knownAt, scenarios };
    const result = await world.get(SimulationsService).simulate(world.tenantId, input, cutOff);
    return result.scenarios.map(({ customers }) => customers[0]?.billed.toString());
  };
  const differences: Difference[] = [];
  for (const span of whole ? spansOf(standing).slice(-1) : spansOf(standing)) {
    const issued = netOf(standing, span);
    const simulated = [...(await billed(span, [AS_IT_IS], cutOff)), ...(await billed(span, anew ? [AS_IT_IS, ANEW] : [AS_IT_IS], null))];
    if (simulated.some((net) => net !== issued))
      differences.push({ customer, from: formatInstant(span.start), to: formatInstant(span.end), issued, simulated });
  }
  return differences;
}

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
