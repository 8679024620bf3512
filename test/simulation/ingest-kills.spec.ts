import { seeded } from './chaos-events.ts';
import { IngestChaos, type ChaosReport } from './ingest-chaos.ts';

/**
 * API, worker and Postgres are killed with -9 in the midst of ingest, again and again, by a seed. Clients remember what was acknowledged, send the rest
 * again, and mix in what was sent before. In between a rate is set, so that costs are filled in while processes die. The long run: `npm run chaos -- ingest`.
 */
const OPTIONS = { seed: 16, events: 50_000, kills: 6, clients: 4, apis: 1, shareRepeated: 0.2 };

describe('ingest under kill -9', () => {
  let report: ChaosReport;
  beforeAll(async () => {
    report = await new IngestChaos(OPTIONS).run();
  }, 300_000);

  test('all processes were killed, with requests under way', () => {
    const kills = Object.values(report.kills);
    expect(kills.reduce((sum, one) => sum + one, 0)).toBe(OPTIONS.kills);
    expect(report.kills['postgres']).toBeGreaterThan(0);
    expect(report.kills['api']).toBeGreaterThan(0);
    expect(report.unanswered).toBeGreaterThan(0);
    expect(report.acknowledged).toBe(OPTIONS.events);
  });

  test('3.3 an acknowledged event is never lost and never counted twice, whatever is killed', () => {
    expect(report).toMatchObject({ lost: 0, doubled: 0 });
  });

  test('3.3 each event stands there with the contents that were sent', () => {
    expect(report.wrongContents).toBe(0);
  });

  test('12 buckets are what a recount of the events gives, cell by cell', () => {
    expect(report.wrongBuckets).toBe(0);
  });

  test('9.2 costs that a kill left unfilled are filled once: exact, frozen, and the same in events and buckets', () => {
    expect(report.wrongCosts).toBe(0);
  });

  test('the API outlives a database that is killed', () => {
    expect(report.endedByThemselves).toBe(0);
  });
});

test('the seed of a run gives the same numbers again', () => {
  const [a, b] = [seeded(7), seeded(7)];
  expect([a(1000), a(1000), a(1000)]).toEqual([b(1000), b(1000), b(1000)]);
});
