import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runTare, startTare, type RunningTare } from './running-tare.ts';

/**
 * Real requests, modelled tenancy: the Azure traces of 2023 (CC-BY-4.0, AzurePublicDataset) with ServeGen's measured client shares.
 * The files are no part of the project; without them this is skipped.
 */
const TRACES = path.resolve('../shared/data/traces');
const withTraces = existsSync(path.join(TRACES, 'AzureLLMInferenceTrace_conv.csv')) ? describe : describe.skip;

withTraces('the Azure traces (real requests, modelled tenancy)', () => {
  let tare: RunningTare;
  let shares: string;

  beforeAll(async () => {
    tare = await startTare();
    shares = path.join(tare.directory, 'shares.csv');
    writeFileSync(shares, servegenShares());
    await tare.client.graphql('mutation ($input: CostRateInput!) { setCostRate(input: $input) { id } }', {
      input: { provider: 'azure', model: 'trace', currency: 'USD', validFrom: '2023-01-01T00:00:00Z', input: '2.50', output: '10.00' },
    });
  });
  afterAll(() => tare.stop());

  const importTrace = (file: string, type: string): Promise<{ code: number | null; output: string }> =>
    runTare(
      [
        'import',
        path.join(TRACES, file),
        ...['--url', tare.url, '--api-key', tare.adminKey, '--customer-shares', shares],
        ...['--set', `type=${type}`, '--set', 'provider=azure', '--set', 'model=trace'],
        ...['--map', 'at=TIMESTAMP', '--map', 'tokens.input=ContextTokens', '--map', 'tokens.output=GeneratedTokens'],
      ],
      { TARE_DATA_DIR: tare.directory },
    );

  const totals = async (type: string): Promise<{ events: string; cost: string; key: string[] } | undefined> => {
    const { marginReport } = await tare.client.graphql<{ marginReport: { rows: { events: string; cost: string; key: string[] }[] } }>(
      '{ marginReport(from: "2023-11-01T00:00:00Z", to: "2023-12-01T00:00:00Z", groupBy: [EVENT_TYPE]) { rows { key events cost } } }',
    );
    return marginReport.rows.find((row) => row.key[0] === type);
  };

  test.each([
    ['AzureLLMInferenceTrace_conv.csv', 'conversation', '19366', '96.791325'],
    ['AzureLLMInferenceTrace_code.csv', 'code', '8819', '47.608895'],
  ])('%s costs what its published totals say, to the last digit, also when imported twice', async (file, type, events, cost) => {
    const first = await importTrace(file, type);
    expect(first.output).toContain(`${events} accepted, 0 duplicates, 0 rejected`);
    expect(first.output).toContain('real requests, modelled tenancy');
    expect(first.code).toBe(0);
    expect(await totals(type)).toMatchObject({ events, cost });
    await importTrace(file, type);
    expect(await totals(type)).toMatchObject({ events, cost });
  });
});

/** Share of requests per client: the mean of its rate windows, from ServeGen's table (no header: start, rate, ...). */
function servegenShares(): string {
  const archive = path.join(TRACES, 'servegen_m-small_client_rate_traces.tar.gz');
  const names = execFileSync('tar', ['-tzf', archive], { encoding: 'utf8' })
    .split('\n')
    .filter((name) => name.endsWith('.csv'));
  const rates = names.map((name) => {
    const text = execFileSync('tar', ['-xzOf', archive, name], { encoding: 'utf8', maxBuffer: 64 * 2 ** 20 });
    return text
      .trim()
      .split('\n')
      .reduce((sum, line) => sum + Number(line.split(',')[1] ?? '0'), 0);
  });
  return ['customer,share', ...rates.map((rate, i) => `client-${i + 1},${rate}`)].join('\n');
}
