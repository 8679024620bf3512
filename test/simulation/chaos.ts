import { IngestChaos, isClean } from './ingest-chaos.ts';

/** `npm run chaos -- ingest [--seed n] [--events n] [--kills n] [--apis n]`: the long run. Prints its report as JSON, and fails when anything is not 0. */
function option(name: string, byDefault: number): number {
  const position = process.argv.indexOf(`--${name}`);
  return position === -1 ? byDefault : Number(process.argv[position + 1]);
}

const options = {
  seed: option('seed', Math.floor(Math.random() * 2 ** 31)),
  events: option('events', 1_000_000),
  kills: option('kills', 50),
  clients: option('clients', 4),
  apis: option('apis', 2),
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
