import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runTare } from './running-tare.ts';

test('the demo ends with its report on an embedded PostgreSQL, and a second run doubles nothing', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'tare-demo-'));
  try {
    const env = { TARE_DATA_DIR: directory, DATABASE_URL: undefined, TARE_BOOTSTRAP_API_KEY: undefined, STRIPE_SECRET_KEY: undefined };
    const first = await runTare(['demo', '--once', '--events', '20000'], env);
    expect(first.output).toContain('20000 accepted, 0 already there');
    expect({ code: first.code, output: first.code === 0 ? '' : first.output }).toEqual({ code: 0, output: '' });
    for (const kind of ['PER_QUERY', 'SUBSCRIPTION', 'CREDIT', 'SITE_LICENSE']) expect(first.output).toContain(kind);
    expect(first.output).toContain('nebula / nebula-preview');
    expect(first.output).toMatch(/\d+ invoices synced/);

    const second = await runTare(['demo', '--once', '--events', '20000'], env);
    expect(second.code).toBe(0);
    expect(second.output).toContain('already there from an earlier run');
    expect(second.output).toContain('0 periods closed, 0 invoices made, 0 finalized');
    expect(reportOf(second.output)).toBe(reportOf(first.output));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

/** Everything from the margin table to where to look further: the figures. */
const reportOf = (output: string): string =>
  output.slice(output.indexOf('Revenue, cost and margin'), output.indexOf('Where to look further'));
