import { Decimal } from '@tare/core';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

/**
 * A fixture, not the API: serves the built dashboard and answers its queries by their names from the figures below. Three keys are let in: READER with data,
 * EMPTY without, INGEST that may not read.
 */
export interface DashboardFixture {
  readonly url: string;
  /** The next query of this name fails with the code. */
  failNext(operation: string, code: string, message: string): void;
  /** From now on no key is known. */
  revokeKeys(): void;
  stop(): Promise<void>;
}

export const READER = 'fixture-reader';
export const EMPTY = 'fixture-empty';
export const INGEST = 'fixture-ingest';

const now = new Date();
const monthAt = (offset: number): string =>
  new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset, 1)).toISOString().slice(0, 7);

/** The month before this one has usage; this one has only fees so far, and three events of its first hours east of Greenwich. */
export const FIXTURE_MONTH = monthAt(-1);
const START = `${FIXTURE_MONTH}-01T00:00:00Z`;
const END = `${monthAt(0)}-01T00:00:00Z`;

interface CustomerFigures {
  readonly key: string;
  readonly name: string;
  readonly plan: string;
  readonly revenue: string;
  readonly cost: string | null;
  readonly shared: string;
  readonly coverage: string | null;
  readonly unpriced?: string;
  readonly isAtRisk?: boolean;
}

/** The last two are none: capacity that stood idle, and a key without a customer yet. Obscura's model has no price. */
const CUSTOMERS: readonly CustomerFigures[] = [
  {
    key: 'quillon',
    name: 'Quillon Labs',
    plan: 'SUBSCRIPTION',
    revenue: '499',
    cost: '812.345678901234',
    shared: '12.5',
    coverage: '0.999999',
    unpriced: '1',
  },
  { key: 'harbor-ai', name: 'Harbor AI', plan: 'SUBSCRIPTION', revenue: '499', cost: '623.1804', shared: '9.75', coverage: '1' },
  { key: 'tinker', name: 'Tinker Trial', plan: 'PER_QUERY', revenue: '0', cost: '41.20977', shared: '0', coverage: '1' },
  { key: 'obscura', name: 'Obscura Vision', plan: 'PER_QUERY', revenue: '120.5', cost: null, shared: '0', coverage: '0', unpriced: '1840' },
  { key: 'meadow', name: 'Meadow Search', plan: 'CREDIT', revenue: '310.2', cost: '288.4', shared: '4.1', coverage: '1', isAtRisk: true },
  { key: 'atlas', name: 'Atlas Support', plan: 'SITE_LICENSE', revenue: '12500', cost: '4210.994131', shared: '310.25', coverage: '1' },
  {
    key: 'brightside',
    name: 'Brightside Health',
    plan: 'PER_QUERY',
    revenue: '8841.37',
    cost: '5120.88',
    shared: '122.4',
    coverage: '0.94',
    unpriced: '212',
  },
  { key: 'cobalt', name: 'Cobalt Legal', plan: 'CREDIT', revenue: '2310', cost: '1104.61', shared: '31.02', coverage: '1' },
  { key: 'dune', name: 'Dune Robotics', plan: 'PER_QUERY', revenue: '1560.4', cost: '1177.125', shared: '0', coverage: '1' },
  { key: 'ember', name: 'Ember Games', plan: 'SUBSCRIPTION', revenue: '499', cost: '0.0031', shared: '0', coverage: '1' },
  { key: '(not usage)', name: 'Idle capacity', plan: '(no plan)', revenue: '0', cost: '0', shared: '0.5', coverage: null },
  { key: 'internal-evals', name: 'internal-evals', plan: '(no plan)', revenue: '0', cost: '77.42', shared: '0', coverage: '1' },
];

const decimal = (text: string | null): Decimal => Decimal.parse(text ?? '0');

function marginOf({ revenue, cost, shared }: CustomerFigures): string | null {
  return cost === null ? null : decimal(revenue).minus(decimal(cost)).minus(decimal(shared)).toString();
}

function flagsOf(figures: CustomerFigures): string[] {
  const margin = marginOf(figures);
  const holds: [string, boolean][] = [
    ['LOSS_MAKING', margin !== null && decimal(margin).isNegative()],
    ['NO_REVENUE', decimal(figures.revenue).isZero()],
    ['COST_UNKNOWN', figures.coverage !== null && figures.coverage !== '1'],
    ['AT_RISK', figures.isAtRisk === true],
  ];
  const flags = holds.filter(([, isHeld]) => isHeld).map(([flag]) => flag);
  return flags.length === 0 ? ['PROFITABLE'] : flags;
}

function rowOf(key: readonly string[], label: string, of: readonly CustomerFigures[]): Record<string, unknown> {
  const revenue = Decimal.sum(of.map((one) => decimal(one.revenue)));
  const known = of.filter((one) => one.cost !== null);
  const cost = known.length === 0 ? null : Decimal.sum(known.map((one) => decimal(one.cost)));
  const shared = Decimal.sum(of.map((one) => decimal(one.shared)));
  const margin = cost === null ? null : revenue.minus(cost).minus(shared);
  const coverage =
    of.length === 1 ? (of[0]?.coverage ?? null) : of.every((one) => one.coverage === '1' || one.coverage === null) ? '1' : '0.962318';
  const flags = of.length === 1 && of[0] ? flagsOf(of[0]) : ['PROFITABLE'];
  return {
    key,
    label,
    currency: 'USD',
    events: String(of.length * 4_211),
    revenue: revenue.toString(),
    cost: cost?.toString() ?? null,
    sharedCost: shared.toString(),
    margin: margin?.toString() ?? null,
    marginRate: margin === null || revenue.isZero() ? null : margin.dividedBy(revenue, 6).toString(),
    coverage,
    tokenCoverage: coverage === '1' ? '1' : '0.991804',
    unpricedEvents: Decimal.sum(of.map((one) => decimal(one.unpriced ?? '0'))).toString(),
    state: flags[0],
    flags,
    reasons: [],
  };
}

const byCustomer = CUSTOMERS.map((one) => rowOf([one.key], one.name, [one]));
const byPlanKind = ['SITE_LICENSE', 'PER_QUERY', 'CREDIT', 'SUBSCRIPTION', '(no plan)'].map((kind) =>
  rowOf(
    [kind],
    kind,
    CUSTOMERS.filter(({ plan }) => plan === kind),
  ),
);
const total = rowOf([], 'total', CUSTOMERS);

/** One day of the month has only usage whose cost is unknown. */
function byDay(): Record<string, unknown>[] {
  const days = (Date.parse(END) - Date.parse(START)) / 86_400_000;
  return Array.from({ length: days }, (_, index) => ({
    key: [`${FIXTURE_MONTH}-${String(index + 1).padStart(2, '0')}`],
    currency: 'USD',
    revenue: `${820 + ((index * 37) % 11) * 14}.25`,
    cost: index === 17 ? null : `${340 + ((index * 53) % 13) * 31}.${String(index).padStart(2, '0')}`,
    sharedCost: '15.8',
    coverage: index === 17 ? '0' : '1',
  }));
}

/** They add up to the loss of 325.845678901234 to the last decimal, and when each is rounded by itself, to two cents less. */
export const QUILLON_REASONS = [
  {
    code: 'MODEL_MIX',
    label:
      'Dearer models: at everybody\u2019s prices its choice of models costs 9.41 USD per million tokens, that of the median customer 5.02 USD; at the median it would be 180.11 USD better.',
    amount: '180.114111111111',
  },
  {
    code: 'CACHE_MISSES',
    label: 'Cache misses: 12.4 % of its input is read from cache, 61 % at the median customer; at the median it would be 95.50 USD better.',
    amount: '95.504',
  },
  {
    code: 'HEAVY_USE',
    label:
      'Heavy use under a flat fee: 310400 tokens for each USD of its fee, 42100 at the median customer; at the median it would be 60.23 USD better.',
    amount: '60.234',
  },
  { code: 'UNEXPLAINED', label: 'Not explained by anything above: -10.01 USD of a loss of 325.85 USD.', amount: '-10.006432209877' },
];

function lossMakers(): Record<string, unknown>[] {
  const loss = byCustomer.filter(({ flags }) => (flags as string[]).includes('LOSS_MAKING'));
  return loss.map((row) => {
    const amount = decimal(row['margin'] as string)
      .negated()
      .toString();
    const reasons =
      row['label'] === 'Quillon Labs' ? QUILLON_REASONS : [{ code: 'UNEXPLAINED', label: `Not explained by anything above.`, amount }];
    return { ...row, reasons };
  });
}

/** The month where the customers are: in UTC it begins and ends a day earlier, at 18:15. */
const PERIOD = { periodStart: `${START.slice(0, 10)}T00:00:00+05:45`, periodEnd: `${END.slice(0, 10)}T00:00:00+05:45` };

const STATUSES = ['PAID', 'FINALIZED', 'PAID', 'PAID', 'DRAFT', 'VOID', 'PAID', 'UNCOLLECTIBLE'];
const SYNCS: Readonly<Record<string, string>> = {
  PAID: 'SYNCED',
  FINALIZED: 'SYNCING',
  DRAFT: 'NOT_SYNCED',
  VOID: 'SYNCED',
  UNCOLLECTIBLE: 'FAILED',
};

/** 60 invoices: two full pages of 25 and one of 10. */
const INVOICES = Array.from({ length: 60 }, (_, index) => {
  const customer = CUSTOMERS[index % CUSTOMERS.length];
  const status = STATUSES[index % STATUSES.length] ?? 'PAID';
  return {
    id: `invoice-${index + 1}`,
    number: status === 'DRAFT' ? null : `TARE-${String(index + 1).padStart(6, '0')}`,
    kind: index % 9 === 8 ? 'SUPPLEMENTARY' : 'REGULAR',
    adjusts: index % 9 === 8 ? 'invoice-1' : null,
    status,
    sync: SYNCS[status],
    stripeInvoiceId: status === 'PAID' ? `in_fixture${index + 1}` : null,
    currency: 'USD',
    customer: { id: customer?.key, key: customer?.key, name: customer?.name, timeZone: 'Asia/Kathmandu' },
    ...PERIOD,
    lines: linesOf(),
    subtotal: '12614.29',
    discounts: '126.14',
    creditsApplied: '100',
    tax: '2353.61',
    balanceApplied: '50',
    balanceCarried: '0',
    total: '14691.76',
  };
});

function linesOf(): Record<string, unknown>[] {
  return [
    { ...PERIOD, id: 'line-1', description: 'Site license, seats', priceKey: 'seats', quantity: '25', amount: '12500' },
    {
      ...PERIOD,
      id: 'line-2',
      description: 'Tokens over the allowance',
      priceKey: 'tokens',
      quantity: '11428571.428571',
      amount: '114.29',
    },
    { ...PERIOD, id: 'line-3', description: 'Requests', priceKey: null, quantity: '0', amount: '0' },
  ];
}

const WORKLISTS = {
  unpricedModels: [
    { provider: 'acme', model: 'vision-large-preview', events: '1840', tokens: '91244008', firstSeen: START },
    { provider: null, model: 'house-embedder', events: '213', tokens: '10440', firstSeen: START },
  ],
  unattributedCustomers: [{ key: 'internal-evals', events: '4211', firstSeen: START }],
};

type Variables = Readonly<Record<string, unknown>>;

function invoicePage({ customer, status, first, after }: Variables): unknown {
  const found = INVOICES.filter((one) => (customer == null || one.customer.key === customer) && (status == null || one.status === status));
  const start = found.findIndex(({ id }) => id === after) + 1;
  const nodes = found.slice(start, start + Number(first));
  const edges = nodes.map((node) => ({ cursor: node.id, node }));
  return { invoices: { edges, pageInfo: { hasNextPage: start + nodes.length < found.length, endCursor: nodes.at(-1)?.id ?? null } } };
}

const ANSWERS: Readonly<Record<string, (variables: Variables) => unknown>> = {
  CheckKey: () => ({ unpricedModels: [] }),
  Months: () => ({ usageSpan: { from: START, to: new Date(Date.parse(START) + 20 * 86_400_000).toISOString() } }),
  Overview: ({ from }) =>
    from === START ? { byPlanKind: { rows: byPlanKind, total }, byDay: { rows: byDay() } } : EMPTY_ANSWERS['Overview']?.({}),
  Customers: ({ from }) => ({ marginReport: { rows: from === START ? byCustomer : [] } }),
  LossMakers: ({ first }) => ({ lossMakers: lossMakers().slice(0, Number(first)) }),
  Invoices: invoicePage,
  Invoice: ({ id }) => ({ invoice: INVOICES.find((one) => one.id === id) ?? null }),
  Worklists: () => WORKLISTS,
};

const EMPTY_ANSWERS: typeof ANSWERS = {
  CheckKey: () => ({ unpricedModels: [] }),
  Months: () => ({ usageSpan: null }),
  Overview: () => ({ byPlanKind: { rows: [], total: rowOf([], 'total', []) }, byDay: { rows: [] } }),
  Customers: () => ({ marginReport: { rows: [] } }),
  Invoices: () => ({ invoices: { edges: [], pageInfo: { hasNextPage: false, endCursor: null } } }),
  Worklists: () => ({ unpricedModels: [], unattributedCustomers: [] }),
};

const errors = (code: string, message: string): unknown => ({ errors: [{ message, extensions: { code } }] });

/** `directory`: the built dashboard. Listens on a free port of the loopback. */
export async function startDashboardFixture(directory: string): Promise<DashboardFixture> {
  const failures = new Map<string, unknown>();
  const keys = new Map([
    [READER, ANSWERS],
    [EMPTY, EMPTY_ANSWERS],
    [INGEST, {}],
  ]);

  const answer = async (request: IncomingMessage): Promise<[number, unknown]> => {
    const key = (request.headers.authorization ?? '').replace('Bearer ', '');
    const answers = keys.get(key);
    if (answers === undefined) return [401, errors('UNAUTHENTICATED', 'Send a valid API key as "Authorization: Bearer <key>".')];
    const { query, variables } = JSON.parse(await textOf(request)) as { query: string; variables: Variables };
    const operation = /query (\w+)/.exec(query)?.[1] ?? '';
    const failure = failures.get(operation);
    failures.delete(operation);
    if (failure !== undefined) return [200, failure];
    if (key === INGEST) return [200, errors('FORBIDDEN', 'This needs a key with the scope READ; this one has INGEST.')];
    const data = answers[operation]?.(variables);
    return data === undefined ? [200, errors('NOT_FOUND', `the fixture has no ${operation}`)] : [200, { data }];
  };

  const server = createServer((request, response) => {
    const reply =
      request.url === '/graphql'
        ? answer(request).then((given) => sendJson(response, given))
        : sendFile(response, directory, request.url ?? '/');
    reply.catch(() => response.writeHead(500).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    failNext: (operation, code, message) => void failures.set(operation, errors(code, message)),
    revokeKeys: () => keys.clear(),
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function sendJson(response: ServerResponse, [status, body]: [number, unknown]): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

/** Under the strictest policy that the API could set: no inline script, no inline style, nothing from elsewhere. */
async function sendFile(response: ServerResponse, directory: string, url: string): Promise<void> {
  const name = url === '/' ? 'index.html' : path.normalize(url).replace(/^(\.\.[/\\])+/, '');
  const body = await readFile(path.join(directory, name)).catch(() => null);
  if (body === null) return void response.writeHead(404).end();
  const headers = {
    'content-type': TYPES[path.extname(name)] ?? 'application/octet-stream',
    'content-security-policy': "default-src 'self'",
  };
  response.writeHead(200, headers).end(body);
}
