import type { TareClient } from '@tare/client';
import { CUSTOMERS, DEMO_END, DEMO_START } from './company.ts';

interface MarginRow {
  readonly label: string;
  readonly events: string;
  readonly revenue: string;
  readonly cost: string | null;
  readonly sharedCost: string;
  readonly margin: string | null;
  readonly marginRate: string | null;
  readonly coverage: string | null;
  readonly state: string;
  readonly reasons: readonly { readonly label: string; readonly amount: string }[];
}
interface Scenario {
  readonly name: string;
  readonly totals: {
    readonly billed: string;
    readonly revenue: string;
    readonly cost: string | null;
    readonly margin: string | null;
    readonly lossMakingCustomers: number;
  };
}

const ROW = 'label events revenue cost sharedCost margin marginRate coverage state';
const SPAN = { from: DEMO_START, to: DEMO_END };

/** Reads the margin report from the API and prints what a finance person looks for first. */
export async function printReport(client: TareClient): Promise<void> {
  await printPlanKinds(client);
  await printLossMakers(client);
  await printSimulation(client);
  await printWorklists(client);
}

async function printPlanKinds(client: TareClient): Promise<void> {
  const { marginReport } = await client.graphql<{ marginReport: { rows: MarginRow[]; total: MarginRow } }>(
    `query ($from: DateTime!, $to: DateTime!) { marginReport(from: $from, to: $to, groupBy: [PLAN_KIND]) { rows { ${ROW} } total { ${ROW} } } }`,
    SPAN,
  );
  heading('Revenue, cost and margin per plan kind, September and October 2026 (USD, recognised revenue)');
  const row = (margin: MarginRow, label = margin.label): string[] => [
    label,
    money(margin.revenue),
    known(margin.cost),
    money(margin.sharedCost),
    known(margin.margin),
    percent(margin.marginRate),
    percent(margin.coverage),
  ];
  printTable(
    ['plan kind', 'revenue', 'cost', 'shared cost', 'margin', 'rate', 'coverage'],
    [...marginReport.rows.map((margin) => row(margin)), row(marginReport.total, 'total')],
  );
  console.log('Coverage is the share of usage whose cost is known: below 100 % the margin is an upper bound.');
}

async function printLossMakers(client: TareClient): Promise<void> {
  const { lossMakers } = await client.graphql<{ lossMakers: MarginRow[] }>(
    `query ($from: DateTime!, $to: DateTime!) { lossMakers(from: $from, to: $to, first: 10) { ${ROW} reasons { label amount } } }`,
    SPAN,
  );
  heading(`The ${lossMakers.length} worst loss-making customers, and why`);
  for (const customer of lossMakers) {
    console.log(`\n  ${customer.label}: pays ${money(customer.revenue)}, costs ${known(customer.cost)}, margin ${known(customer.margin)}`);
    for (const reason of customer.reasons) console.log(`    ${money(reason.amount).padStart(12)}  ${reason.label}`);
  }
}

async function printSimulation(client: TareClient): Promise<void> {
  const assignments = [
    { customers: CUSTOMERS.filter((customer) => customer.plan === 'flat').map((customer) => customer.key), plan: 'metered' },
  ];
  const { simulate } = await client.graphql<{ simulate: { scenarios: Scenario[] } }>(
    `mutation ($input: SimulationInput!) { simulate(input: $input) { scenarios { name totals { billed revenue cost margin lossMakingCustomers } } } }`,
    { input: { ...SPAN, scenarios: [{ name: 'as it is' }, { name: 'flat customers on metered', assignments }] } },
  );
  heading('What metered pricing instead of the flat subscription would have done (same usage, production rating)');
  printTable(
    ['scenario', 'billed', 'revenue', 'cost', 'margin', 'loss-makers'],
    simulate.scenarios.map(({ name, totals }) => [
      name,
      money(totals.billed),
      money(totals.revenue),
      known(totals.cost),
      known(totals.margin),
      String(totals.lossMakingCustomers),
    ]),
  );
}

async function printWorklists(client: TareClient): Promise<void> {
  const { unpricedModels } = await client.graphql<{
    unpricedModels: { provider: string | null; model: string | null; events: string; tokens: string }[];
  }>('{ unpricedModels(first: 5) { provider model events tokens } }');
  heading('Models without a known cost');
  for (const { provider, model, events, tokens } of unpricedModels) {
    console.log(
      `  ${provider ?? '?'} / ${model ?? '?'}: ${grouped(events)} events, ${grouped(tokens)} tokens. setCostRate gives them one.`,
    );
  }
}

export function heading(text: string): void {
  console.log(`\n${text}\n${'─'.repeat(Math.min(text.length, 100))}`);
}

function printTable(header: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ');
  console.log(`  ${line(header)}`);
  for (const row of rows) console.log(`  ${line(row)}`);
}

/** Exact decimals are cut for the eye only: two decimals, thousands apart. */
export function money(amount: string): string {
  const negative = amount.startsWith('-');
  const [whole = '0', fraction = ''] = amount.replace('-', '').split('.');
  const cents = BigInt(whole) * 100n + BigInt(fraction.padEnd(2, '0').slice(0, 2)) + (Number(fraction[2] ?? '0') >= 5 ? 1n : 0n);
  return `${negative && cents > 0n ? '-' : ''}${grouped((cents / 100n).toString())}.${(cents % 100n).toString().padStart(2, '0')}`;
}

const known = (amount: string | null): string => (amount === null ? 'unknown' : money(amount));
const grouped = (digits: string): string => digits.replace(/\B(?=(\d{3})+(?!\d))/g, ' ');
/** A share as a percentage with one decimal, cut rather than rounded: 99.97 % is never shown as 100 %. */
function percent(share: string | null): string {
  if (share === null) return '-';
  const negative = share.startsWith('-');
  const [whole = '0', fraction = ''] = share.replace('-', '').split('.');
  const thousandths = BigInt(whole + fraction.padEnd(3, '0').slice(0, 3));
  return `${negative ? '-' : ''}${thousandths / 10n}.${thousandths % 10n} %`;
}
