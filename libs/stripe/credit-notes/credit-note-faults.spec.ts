import { Decimal } from '@tare/core';
import type Stripe from 'stripe';
import type { FaultRule } from '../emulator.fixture.ts';
import { StripeClient } from '../stripe-client.ts';
import { SyncBench, type Worker } from '../stripe-sync.fixture.ts';
import { CreditNoteSyncStore, type CreditNoteSyncRow } from './credit-note-sync.store.ts';

const HOUR_MS = 3_600_000;

let bench: SyncBench;
let worker: Worker;

beforeAll(async () => {
  bench = await SyncBench.open();
  worker = await bench.worker();
});
afterAll(() => bench.close());
beforeEach(() => bench.noFaults());

/** A credit note of 30 on an invoice of 100 that is at Stripe; the invoice is paid when it is settled. */
async function credited(settlement?: 'REFUND' | 'CUSTOMER_BALANCE'): Promise<{ invoice: string; note: string }> {
  const invoice = await bench.finalized({ amounts: ['100'] });
  await bench.drive(worker, invoice);
  if (settlement !== undefined) await bench.paidAtStripe(worker, invoice);
  const note = await bench.credited(worker, invoice, { amount: Decimal.parse('30'), settlement: settlement ?? null });
  return { invoice, note };
}

/** Exactly one credit note at Stripe, and an invoice that is lowered once or refunded once. */
async function expectOneAtStripe({ invoice, note }: { invoice: string; note: string }, settlement?: 'REFUND'): Promise<void> {
  const found = await bench.noteAtStripe(note);
  expect(found.map(({ total, status }) => [total, status])).toEqual([[3000, 'issued']]);
  const refunded = found.flatMap(({ refunds }) => refunds.map(({ amount_refunded: amount }) => amount));
  expect(refunded).toEqual(settlement === 'REFUND' ? [3000] : []);
  const [remote] = await bench.atStripe(invoice);
  expect(remote).toMatchObject(
    settlement === 'REFUND' ? { amount_paid: 10000, post_payment_credit_notes_amount: 3000 } : { amount_due: 7000, amount_remaining: 7000 },
  );
}

const CALLS: [string, Pick<FaultRule, 'method' | 'path'>][] = [
  ['the invoice is read', { method: 'GET', path: '/v1/invoices/{id}' }],
  ['it is made', { method: 'POST', path: '/v1/credit_notes' }],
  ['it is read', { method: 'GET', path: '/v1/credit_notes/{id}' }],
];
/** The SDK itself sends again once after a reset, so a reset that reaches us is two. */
const FAULTS: [string, (call: Pick<FaultRule, 'method' | 'path'>) => FaultRule[]][] = [
  ['a rate limit', (call) => [{ ...call, fault: 'rate_limit', next: 2 }]],
  ['a lock timeout', (call) => [{ ...call, fault: 'lock_timeout', next: 2 }]],
  ['a key in use', (call) => [{ ...call, fault: 'idempotency_key_in_use', next: 2 }]],
  ['a 500 before anything is done', (call) => [{ ...call, fault: 'error_500_before', next: 2 }]],
  ['a 500 after it is done', (call) => [{ ...call, fault: 'error_500_after' }]],
  ['a reset before anything is done', (call) => [{ ...call, fault: 'reset_before', next: 2 }]],
  [
    'a reset after it is done',
    (call) => [
      { ...call, fault: 'reset_after' },
      { ...call, fault: 'reset_before', skip: 1 },
    ],
  ],
];

describe.each(FAULTS)('after %s', (_, rulesFor) => {
  test.each(CALLS)('when %s, the customer is credited exactly once', async (_name, call) => {
    const ours = await credited();
    await bench.fault(...rulesFor(call));
    await worker.sync.stepCreditNote(bench.tenantId, ours.note);
    expect(await bench.noteRow(ours.note)).toMatchObject({ state: 'SYNCING', errorCode: null, lastError: expect.any(String) });
    expect(await bench.driveNote(worker, ours.note)).toMatchObject({ state: 'SYNCED', lastError: null });
    await expectOneAtStripe(ours);
  });

  test('when money goes back, it goes back exactly once', async () => {
    const ours = await credited('REFUND');
    await bench.fault(...rulesFor({ method: 'POST', path: '/v1/credit_notes' }));
    expect(await bench.driveNote(worker, ours.note)).toMatchObject({ state: 'SYNCED' });
    await expectOneAtStripe(ours, 'REFUND');
  });
});

test('the same bytes go out under the same key after an answer that was lost, and a new key only after one that failed', async () => {
  const ours = await credited();
  const call = { path: '/v1/credit_notes', method: 'POST' };
  await bench.fault({ ...call, fault: 'reset_before', next: 2 });
  await worker.sync.stepCreditNote(bench.tenantId, ours.note);
  const before = (await bench.noteRow(ours.note)).request;
  expect(before).toMatchObject({
    step: 'CREDIT_NOTE',
    outcome: 'IN_DOUBT',
    key: `tare:test:${bench.tenantId}:${ours.note}:credit_note:v1:g0`,
  });
  await bench.fault({ ...call, fault: 'error_500_before' });
  await bench.pass(61_000);
  await worker.sync.stepCreditNote(bench.tenantId, ours.note);
  expect((await bench.noteRow(ours.note)).request).toEqual({ ...before, outcome: 'OVER' });
  expect(await bench.driveNote(worker, ours.note)).toMatchObject({ state: 'SYNCED', generation: 1 });
  await expectOneAtStripe(ours);
});

test('a day later, when Stripe has forgotten the key, what was made is found and not made again', async () => {
  const ours = await credited('REFUND');
  const call = { path: '/v1/credit_notes', method: 'POST' };
  await bench.fault({ ...call, fault: 'reset_after' }, { ...call, fault: 'reset_before', skip: 1 });
  await worker.sync.stepCreditNote(bench.tenantId, ours.note);
  expect(await bench.noteRow(ours.note)).toMatchObject({ step: 'CREATE', stripeCreditNoteId: null });
  await bench.pass(25 * HOUR_MS);
  expect(await bench.driveNote(worker, ours.note)).toMatchObject({ state: 'SYNCED', generation: 0 });
  await expectOneAtStripe(ours, 'REFUND');
});

test('somebody hears of a credit note that does not get through, until it does', async () => {
  const ours = await credited();
  await bench.fault({ fault: 'rate_limit', next: 100 });
  await bench.driveNote(worker, ours.note);
  expect(await bench.openAlerts(ours.note)).toEqual(['STRIPE_SYNC_DELAYED']);
  await bench.noFaults();
  expect(await bench.driveNote(worker, ours.note)).toMatchObject({ state: 'SYNCED' });
  expect(await bench.openAlerts(ours.note)).toEqual([]);
});

test('several workers on one credit note make one', async () => {
  const others = [worker, await bench.worker(), await bench.worker()];
  const all = [await credited(), await credited('REFUND')];
  await Promise.all(all.flatMap(({ note }) => others.map(({ sync }) => sync.stepCreditNote(bench.tenantId, note))));
  for (const ours of all) expect(await bench.driveNote(worker, ours.note)).toMatchObject({ state: 'SYNCED' });
  await expectOneAtStripe(all[0] as (typeof all)[0]);
  await expectOneAtStripe(all[1] as (typeof all)[0], 'REFUND');
});

describe('a worker that is killed', () => {
  test.each([
    ['between the call and its save', 'createCreditNote'],
    ['between the reading and its save', 'creditNote'],
  ] as const)('%s leaves nothing that is done twice', async (_, method) => {
    const ours = await credited('REFUND');
    await killedAfter(method, ours.note);
    await worker.sync.stepCreditNote(bench.tenantId, ours.note);
    expect(await bench.noteRow(ours.note)).toMatchObject({ state: 'SYNCING' });
    await bench.pass(3 * 60_000);
    expect(await bench.driveNote(worker, ours.note)).toMatchObject({ state: 'SYNCED', generation: 0 });
    await expectOneAtStripe(ours, 'REFUND');
  });

  test('when a customer has paid too much keeps that for it once', async () => {
    const customer = await bench.customer();
    const invoice = await bench.finalized({ amounts: ['100'], customer });
    await bench.drive(worker, invoice);
    const note = await bench.credited(worker, invoice, { amount: Decimal.parse('30') });
    await bench.paidAtStripe(worker, invoice);
    await killedAfter('creditNote', note);
    expect(await bench.balance(customer.id)).toBe('0');
    await bench.pass(3 * 60_000);
    await bench.driveNote(worker, note);
    await worker.sync.sweep();
    expect(await bench.balance(customer.id)).toBe('30');
  });

  /** From the answer on, this worker neither saves nor gives its row back. */
  async function killedAfter(method: 'createCreditNote' | 'creditNote', note: string): Promise<void> {
    let isDead = false;
    const die = (): never => {
      isDead = true;
      throw new Error('killed');
    };
    class DyingClient extends StripeClient {
      override async createCreditNote(...args: Parameters<StripeClient['createCreditNote']>): Promise<Stripe.CreditNote> {
        const answer = await super.createCreditNote(...args);
        return method === 'createCreditNote' ? die() : answer;
      }
      override async creditNote(...args: Parameters<StripeClient['creditNote']>): Promise<Stripe.CreditNote> {
        const answer = await super.creditNote(...args);
        return method === 'creditNote' ? die() : answer;
      }
    }
    class DeadStore extends CreditNoteSyncStore {
      override save(...args: Parameters<CreditNoteSyncStore['save']>): Promise<CreditNoteSyncRow | null> {
        return isDead ? die() : super.save(...args);
      }
    }
    const dying = await bench.worker({ client: DyingClient, creditNoteStore: DeadStore });
    await expect(dying.sync.stepCreditNote(bench.tenantId, note)).rejects.toThrow('killed');
  }
});

test.each([1, 2])('with seed %d: whatever fails, every credit note gets there once', async (seed) => {
  const workers = [worker, await bench.worker()];
  const all = [await credited(), await credited(), await credited('REFUND')] as const;
  const faults = ['rate_limit', 'idempotency_key_in_use', 'reset_before', 'reset_after', 'error_500_before', 'error_500_after'];
  await bench.fault(...faults.map((fault, index) => ({ fault, next: 100, probability: 0.08, seed: seed * 100 + index })));
  for (let round = 0; round < 6; round += 1) {
    await Promise.all(workers.map(({ sync }) => sync.sweep()));
    await bench.pass(61_000);
  }
  await bench.noFaults();
  for (const { note } of all) expect(await bench.driveNote(worker, note)).toMatchObject({ state: 'SYNCED' });
  const [first, second, third] = all;
  await expectOneAtStripe(first);
  await expectOneAtStripe(second);
  await expectOneAtStripe(third, 'REFUND');
});
