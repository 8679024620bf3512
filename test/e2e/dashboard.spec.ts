import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { Decimal } from '@tare/core';
import { chromium, type Browser, type Locator, type Page } from 'playwright-core';
import {
  EMPTY,
  FIXTURE_MONTH,
  INGEST,
  QUILLON_REASONS,
  READER,
  startDashboardFixture,
  type DashboardFixture,
} from './dashboard.fixture.ts';

const root = path.resolve(import.meta.dirname, '../..');
const built = path.join(root, 'dist/apps/dashboard');
const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((file) => existsSync(file));
const QUIET = ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-quic', '--no-first-run'];

/** As `nx build` does: Jest's own NODE_ENV would make a development build, which asks everything twice. */
async function buildDashboard(): Promise<void> {
  const env = { ...process.env, NODE_ENV: 'production' };
  await promisify(execFile)(process.execPath, ['node_modules/vite/bin/vite.js', 'build', 'apps/dashboard'], { cwd: root, env });
}

/** As a person reads it: "−1,234.50 USD" is -1234.5. */
const read = (text: string): Decimal => Decimal.parse(text.replace('\u2212', '-').replace(/[^\d.-]/g, ''));
const monthName = new Intl.DateTimeFormat('en-GB', { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(
  new Date(`${FIXTURE_MONTH}-01T00:00:00Z`),
);

/** "1 Oct 2026 – 31 Oct 2026": the customers of the fixture are in Kathmandu, where the month began a UTC day earlier. */
const dayName = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' });
const lastDay = new Date(Date.UTC(Number(FIXTURE_MONTH.slice(0, 4)), Number(FIXTURE_MONTH.slice(5)), 0));
const fixturePeriod = `${dayName.format(new Date(`${FIXTURE_MONTH}-01`))} \u2013 ${dayName.format(lastDay)}`;

(executablePath === undefined ? describe.skip : describe)('the dashboard in a browser, on figures of a fixture', () => {
  let browser: Browser;
  let fixture: DashboardFixture;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    if (!existsSync(path.join(built, 'index.html'))) await buildDashboard();
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox', '--disable-gpu', ...QUIET] });
  });
  afterAll(() => browser.close());

  beforeEach(async () => {
    fixture = await startDashboardFixture(built);
    page = await browser.newPage();
    page.setDefaultTimeout(30_000);
    complaints = [];
    page.on('pageerror', ({ message }) => complaints.push(message));
    page.on('console', (message) => message.type() === 'error' && !message.text().includes('401') && complaints.push(message.text()));
    await page.goto(fixture.url);
  });
  afterEach(async () => {
    await page.close();
    await fixture.stop();
    expect(complaints).toEqual([]);
  });

  const button = (name: string | RegExp): Locator => page.getByRole('button', { name });
  const link = (name: string): Locator => page.getByRole('link', { name, exact: true });
  const heading = (name: string | RegExp): Locator => page.getByRole('heading', { name });
  const figure = (name: string): Promise<string> => page.getByRole('group', { name, exact: true }).innerText();
  const alertText = (): Promise<string> => page.getByRole('alert').innerText();

  async function tryKey(key: string): Promise<void> {
    await page.getByLabel('API key').fill(key);
    await button('Sign in').click();
  }

  async function signIn(key = READER): Promise<void> {
    await tryKey(key);
    await heading(/\d{4}/).waitFor();
  }

  test('a key that nobody knows is refused in a sentence and lets nothing through', async () => {
    await tryKey('no-such-key');
    expect(await alertText()).toBe('This API key is not known, or it has expired or been revoked.');
    expect(await page.getByRole('navigation').count()).toBe(0);
  });

  test('a key that may only send events is told which scope it lacks', async () => {
    await tryKey(INGEST);
    expect(await alertText()).toContain('scope READ');
  });

  test('the key outlives a reload, is in no address, and is forgotten on signing out', async () => {
    await signIn();
    await page.reload();
    await heading(monthName).waitFor();
    expect(page.url()).not.toContain(READER);
    await button('Sign out').click();
    await page.reload();
    await page.getByLabel('API key').waitFor();
    expect(await page.getByLabel('API key').inputValue()).toBe('');
  });

  test('a key that is revoked while it is in use leads back to the door', async () => {
    await signIn();
    fixture.revokeKeys();
    await link('Worklists').click();
    expect(await alertText()).toContain('revoked');
    await page.getByLabel('API key').waitFor();
  });

  test('10.1 the month with usage is shown first, not the one in which fees run on: revenue, cost, shared cost, margin', async () => {
    await signIn();
    await heading(monthName).waitFor();
    const [revenue, cost, shared, margin] = [
      await figure('Revenue recognised'),
      await figure('Cost'),
      await figure('Shared cost'),
      await figure('Margin'),
    ];
    expect(revenue).toContain('27,139.47');
    expect(cost).toContain('13,456.17');
    expect(shared).toContain('490.52');
    expect(margin).toContain('13,192.78');
    expect(margin).toContain('48.6 % of revenue');
  });

  test('10.3 with usage of unknown cost the margin is called an upper bound', async () => {
    await signIn();
    expect(await figure('Margin')).toContain('upper bound');
    const coverage = await page.getByRole('region', { name: 'Coverage' }).innerText();
    expect(coverage).toMatch(/by events\s+96\.2 %/);
    expect(coverage).toMatch(/by tokens\s+99\.1 %/);
    expect(coverage).toContain('The cost of 2,053 events is not known');
  });

  test('every plan kind has its margin, and a day whose cost is unknown says so', async () => {
    await signIn();
    const kinds = page.getByRole('table', { name: 'Margin by plan kind' });
    expect(await kinds.getByRole('row', { name: /Site license/ }).innerText()).toMatch(
      /12,500\.00\s+4,210\.99\s+310\.25\s+7,978\.76\s+63\.8 %\s+100 %/,
    );
    expect(await kinds.getByRole('row', { name: /No plan/ }).innerText()).toContain('\u221277.92');
    await page.getByText('Figures per day').click();
    expect(await page.getByRole('row', { name: `${FIXTURE_MONTH}-18` }).innerText()).toContain('unknown');
  });

  test('another month can be chosen, stays in the address, and tells when it is empty', async () => {
    await signIn();
    await button('Later month').click();
    await heading(/so far$/).waitFor();
    await page.getByText('No usage and no revenue in this month.').waitFor();
    await page.reload();
    await page.getByText('No usage and no revenue in this month.').waitFor();
    await button('Earlier month').click();
    await heading('By plan kind').waitFor();
  });

  test('10.6 customers stand worst first, and the reasons of a loss add up to it on the screen', async () => {
    await signIn();
    await link('Customers').click();
    await button(/Quillon Labs/).waitFor();
    const names = await page.locator('button.opener').allInnerTexts();
    expect(names.map((name) => name.split('\n')[0])).toEqual(
      [
        'Quillon Labs',
        'Harbor AI',
        'internal-evals',
        'Tinker Trial',
        'Idle capacity',
        'Obscura Vision',
        'Meadow Search',
        'Dune Robotics',
        'Ember Games',
      ].concat(['Cobalt Legal', 'Brightside Health', 'Atlas Support']),
    );
    await button(/Quillon Labs/).click();
    const steps = page.locator('section', { has: heading('Why it lost money') }).getByRole('listitem');
    await steps.first().waitFor();
    const amounts = (await steps.locator('.step-amount').allInnerTexts()).map(read);
    const loss = amounts.pop();
    expect(amounts).toHaveLength(QUILLON_REASONS.length);
    expect(loss?.toString()).toBe('-325.85');
    expect(Decimal.sum(amounts).toString()).toBe('-325.85');
    expect(await steps.nth(1).innerText()).toMatch(/^Cache misses[^]*12\.4 % of its input is read from cache/);
  });

  test('10.3 unknown cost, no revenue and a loss are told apart, and unknown is never a zero', async () => {
    await signIn();
    await link('Customers').click();
    const row = (name: RegExp): Promise<string> => page.getByRole('row', { name }).innerText();
    expect(await row(/Obscura Vision/)).toMatch(/Cost unknown\s+120\.50\s+unknown\s+0\.00\s+unknown\s+–\s+0 %/);
    expect(await row(/Tinker Trial/)).toMatch(/Loss-making\s+No revenue\s+0\.00\s+41\.21/);
    expect(await row(/Meadow Search/)).toContain('At risk');
    expect(await row(/Ember Games/)).toContain('<0.01');
    expect(await row(/Quillon Labs/)).toContain('99.9 %');
  });

  test('idle capacity has its row so that rows add up, but neither reasons nor invoices', async () => {
    await signIn();
    await link('Customers').click();
    await button(/Idle capacity/).click();
    await page.getByText('usage caused this').waitFor();
    expect(await heading('Why it lost money').count()).toBe(0);
    expect(await link('Invoices of this customer').count()).toBe(0);
  });

  test('customers are found by key, filtered by state and sorted', async () => {
    await signIn();
    await link('Customers').click();
    const shown = async (): Promise<string[]> =>
      (await page.locator('button.opener').allInnerTexts()).map((name) => name.split('\n')[0] ?? '');
    await page.getByLabel('Search customers').fill('HARBOR-');
    expect(await shown()).toEqual(['Harbor AI']);
    await page.getByLabel('Search customers').fill('nobody');
    await page.getByText('No customer matches.').waitFor();
    await page.getByLabel('Search customers').fill('');
    await button(/^Loss-making/).click();
    expect(await shown()).toEqual(['Quillon Labs', 'Harbor AI', 'internal-evals', 'Tinker Trial', 'Idle capacity']);
    await page.getByLabel('Sort customers').selectOption('Highest cost first');
    expect((await shown())[0]).toBe('Quillon Labs');
    await page.getByLabel('Sort customers').selectOption('By name');
    expect((await shown())[0]).toBe('Harbor AI');
  });

  test('invoices come in pages, there and back, and by status', async () => {
    await signIn();
    await link('Invoices').click();
    await link('TARE-000001').waitFor();
    const rows = page.getByRole('row');
    expect(await rows.count()).toBe(1 + 25);
    expect(await rows.nth(2).innerText()).toMatch(/TARE-000002\s+Harbor AI[^]*Finalized\s+On its way\s+14,691\.76 USD/);
    await button('Next').click();
    await link('TARE-000026').waitFor();
    await button('Next').click();
    await link('TARE-000060').waitFor();
    expect(await rows.count()).toBe(1 + 10);
    expect(await button('Next').isDisabled()).toBe(true);
    await button('Previous').click();
    await link('TARE-000026').waitFor();
    await page.getByLabel('Status').selectOption('Uncollectible');
    await link('TARE-000008').waitFor();
    expect(await rows.count()).toBe(1 + 7);
    expect(await rows.nth(1).innerText()).toContain('Sync failed');
  });

  test('8.1 an invoice shows its lines, its days where the customer is, and its totals in the order in which they are made', async () => {
    await signIn();
    await link('Invoices').click();
    await link('TARE-000001').click();
    await heading('TARE-000001').waitFor();
    expect(await page.getByRole('row', { name: /Tokens over the allowance/ }).innerText()).toMatch(/11,428,571\.428571\s+114\.29/);
    const sheet = await page.getByRole('article').innerText();
    expect(sheet).toContain('in_fixture1');
    expect(sheet).toContain(`Period\n${fixturePeriod}`);
    const amounts = await page.locator('.totals dd').allInnerTexts();
    expect(await page.locator('.totals dt').allInnerTexts()).toEqual([
      'Subtotal',
      'Discounts',
      'Prepaid credits',
      'Tax',
      'Customer balance',
      'Total',
    ]);
    expect(amounts).toEqual(['12,614.29', '\u2212126.14', '\u2212100.00', '2,353.61', '\u221250.00', '14,691.76 USD']);
    await page.goBack();
    await link('TARE-000002').waitFor();
  });

  test('worklists name the models without a price and the customers that do not exist', async () => {
    await signIn();
    await link('Worklists').click();
    expect(await page.getByRole('row', { name: /vision-large-preview/ }).innerText()).toMatch(/acme[^]*1,840\s+91,244,008/);
    expect(await page.getByRole('row', { name: /internal-evals/ }).innerText()).toContain('4,211');
  });

  test('a failed answer is told in a sentence with its code, and can be asked for again', async () => {
    await signIn();
    fixture.failNext('Customers', 'NO_EXCHANGE_RATE', 'no rate from EUR to USD');
    await link('Customers').click();
    expect(await alertText()).toMatch(/no exchange rate is stored[^]*Code NO_EXCHANGE_RATE/);
    await button('Try again').click();
    await button(/Quillon Labs/).waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  test('a tenant without any data sees on every screen that there is none yet', async () => {
    await signIn(EMPTY);
    await page.getByText('No usage and no revenue in this month.').waitFor();
    await link('Customers').click();
    await page.getByText('No customer had usage or revenue in this month.').waitFor();
    await link('Invoices').click();
    await page.getByText('No invoices yet.').waitFor();
    await link('Worklists').click();
    await page.getByText('Every model that was used has a price.').waitFor();
  });

  test('nothing is wider than a telephone', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await signIn();
    for (const screen of ['Overview', 'Customers', 'Invoices', 'Worklists']) {
      await link(screen).click();
      await page.getByRole('table').first().waitFor();
      expect([screen, await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth')]).toEqual([screen, true]);
    }
  });
});
