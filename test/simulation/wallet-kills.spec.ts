import { WalletChaos, type WalletChaosReport } from './wallet-chaos.ts';

/**
 * Three API processes take from one wallet for 24 clients, debits and reservations, until it is dry, while each of them and Postgres are killed with -9 in the
 * midst of it. Clients send again what nobody answered, and some of what was answered.
 */
const OPTIONS = { seed: 4, apis: 3, clients: 24, orders: 1_000, grants: [600, 800, 40, 1_000, 260], kills: 4 };

describe('one wallet, several processes, kill -9', () => {
  let report: WalletChaosReport;
  beforeAll(async () => {
    report = await new WalletChaos(OPTIONS).run();
  }, 180_000);

  test('processes were killed with requests under way, and the wallet ran dry', () => {
    expect(report.kills).toBe(OPTIONS.kills);
    expect(report.unanswered).toBeGreaterThan(0);
    expect(report.refused).toBeGreaterThan(0);
    for (const count of [report.debited, report.committed, report.released, report.repeats]) expect(count).toBeGreaterThan(20);
  });

  test('7.4 credits are never overspent and none is missing: what is left and what was taken is what was granted', () => {
    expect(report.faults.creditsOff).toBe('0');
    expect(Number(report.available)).toBeLessThan(10);
  });

  test('every acknowledged debit is there exactly once with its credits, and none that was refused', () => {
    expect(report.faults).toMatchObject({ lost: 0, uncalledFor: 0 });
  });

  test('what is sent again is answered as it was, by whichever process', () => {
    expect(report.faults.answeredOtherwise).toBe(0);
  });

  test('7.1 the sums of the wallet and of its grants are what the ledger says, and nothing is held any more', () => {
    expect(report.faults).toMatchObject({ mistakes: [], openReservations: 0 });
  });

  test('no process ends by itself or leaves a request hanging', () => {
    expect(report.faults).toMatchObject({ endedByThemselves: 0, hung: 0 });
  });
});
