import { IngestChaos, isClean } from './ingest-chaos.ts';

/**
 * `npm run chaos -- ingest [--seed n] [--events n] [--kills n] [--clients n] [--apis n]`: the long run. Prints its report as JSON, and fails when a fault is not 0;
 * then the ledger of acknowledgements is kept.
 */
function option(name: string, least: number, byDefault: number): number {
  const position = process.argv.indexOf(`--${name}`);
  const value = position === -1 ? byDefault : Number(process.argv[position + 1]);
  if (!Number.isSafeInteger(value) || value < least) throw new Error(`--${name} takes a whole number from ${least} on`);
  return value;
}

const options = {
  seed: option('seed', 0, Math.floor(Math.random() * 2 ** 31)),
  events: option('events', 1, 1_000_000),
  kills: option('kills', 0, 50),
  clients: option('clients', 1, 4),
  apis: option('apis', 1, 2),
  shareRepeated: 0.2,
};
console.log(JSON.stringify({ chaos: 'ingest', ...options }));
const chaos = new IngestChaos(options, (line) => console.log(line));
const report = await chaos.run();
console.log(JSON.stringify(report));
if (!isClean(report.faults)) {
  const again = `npm run chaos -- ingest --seed ${options.seed} --events ${options.events} --kills ${options.kills} --apis ${options.apis}`;
  console.log(`Something is wrong. What was acknowledged: ${chaos.ledger.path}. The same run again: ${again}`);
  process.exitCode = 1;
}
