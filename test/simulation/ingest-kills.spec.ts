import { seeded } from './chaos-events.ts';
import { IngestChaos, type ChaosReport } from './ingest-chaos.ts';

/**
 * API, worker and Postgres are killed with -9 in the midst of ingest, again and again, by a seed. Clients remember what was acknowledged, send the rest
 * again, and mix in what was sent before; others void and amend what was acknowledged. In between a meter is made and a rate is set, so that history is rolled
 * up and costs are filled in while processes die. The long run: `npm run chaos -- ingest`.
 */
const OPTIONS = { seed: 16, events: 50_000, kills: 6, clients: 4, apis: 1, shareRepeated: 0.2 };

describe('ingest under kill -9', () => {
  let report: ChaosReport;
  beforeAll(async () => {
    report = await new IngestChaos(OPTIONS).run();
  }, 900_000);

  test('all processes were killed, with requests under way', () => {
    const kills = Object.values(report.kills);
    expect(kills.reduce((sum, one) => sum + one, 0)).toBe(OPTIONS.kills);
    for (const name of ['api', 'worker', 'postgres']) expect(report.kills[name]).toBeGreaterThan(0);
    expect(report.unanswered).toBeGreaterThan(0);
    expect(report.acknowledged).toBe(OPTIONS.events);
  });

  test('3.3 an acknowledged event is never lost and never counted twice, whatever is killed', () => {
    expect(report.faults).toMatchObject({ lost: 0, doubled: 0 });
  });

  test('3.3 each event stands there with the contents that were sent', () => {
    expect(report.faults.wrongContents).toBe(0);
  });

  test('3.5 each void and each amendment is done once and leaves its trail, however often it is sent', () => {
    expect(report.corrections).toBeGreaterThan(OPTIONS.events * 0.05);
    expect(report.correctionRepeatsSent).toBeGreaterThan(0);
    expect(report.faults.wrongCorrections).toBe(0);
  });

  test('12 buckets are what a recount of the events gives, cell by cell, after the worker merged them', () => {
    expect(report.upkeep.compacted).toBeGreaterThan(0);
    expect(report.faults.wrongBuckets).toBe(0);
  });

  test('9.2 costs that a kill left unfilled are filled once: exact, frozen, and the same in events and buckets', () => {
    expect(report.faults.wrongCosts).toBe(0);
  });

  test('meters of users and properties, rolled up by a worker that dies, say what a count of the events gives', () => {
    expect(report.faults.wrongMeters).toBe(0);
  });

  test('the API and the worker outlive a database that is killed, and leave no request hanging', () => {
    expect(report.faults).toMatchObject({ endedByThemselves: 0, hung: 0 });
  });
});

test('the seed of a run gives the same numbers again', () => {
  const [a, b] = [seeded(7), seeded(7)];
  expect([a(1000), a(1000), a(1000)]).toEqual([b(1000), b(1000), b(1000)]);
});
