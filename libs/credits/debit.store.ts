import { Injectable } from '@nestjs/common';
import { Decimal } from '@tare/core';
import type { Instant, Period, TakenCredits } from '@tare/core';
import { plainArray, sqlInstant, sqlInstantOrNull, type TenantTransaction, textArray } from '@tare/database';

import { randomUUID } from 'node:crypto';
import type { CreditDebit, CreditReservation, ReservationStatus } from './debit.ts';
import type { Posting } from './posting.ts';
import { movedGrants, walletSums } from './posting-sums.ts';
import {
  DEBITS,
  EXPIRED_RESERVATIONS,
  OPEN_RESERVATIONS,
  RESERVATIONS,
  RESERVATIONS_OVER,
  TAKEN_BETWEEN,
  WRITE_DEBITS,
  WRITE_WALLET,
} from './wallet-writer.sql.ts';

/** A reservation that ends. */
export interface EndedReservation {
  readonly id: string;
  readonly status: Exclude<ReservationStatus, 'OPEN'>;
  readonly committed: Decimal | null;
  readonly at: Instant;
}

/** Everything that was decided on one wallet at once. */
export interface WalletWrite {
  readonly customerId: string;
  /** The version of the wallet that it was decided on. */
  readonly version: number;
  /** Of all postings. */
  readonly transactionId: string;
  readonly debits: readonly CreditDebit[];
  readonly postings: readonly Posting[];
  readonly reservations: readonly CreditReservation[];
  readonly ended: readonly EndedReservation[];
}

const UNIQUE_VIOLATION = '23505';

interface ReservationRow {
  readonly id: string;
  readonly key: string;
  readonly credits: string;
  readonly at: Instant;
  readonly ttl_seconds: number;
  readonly expires_at: Instant;
  readonly status: ReservationStatus;
  readonly grant_ids: string[];
  readonly grant_credits: string[];
  readonly uncovered: string;
  readonly committed: string | null;
}

interface DebitRow {
  readonly key: string;
  readonly credits: string;
  readonly at: Instant;
  readonly feature: string | null;
  readonly reverses: string | null;
  readonly grant_ids: string[];
  readonly grant_credits: string[];
  readonly grant_revenues: string[];
  readonly uncovered: string;
  readonly debt: string;
  readonly subscription_id: string | null;
  readonly segment_id: string | null;
  readonly period_start: Instant | null;
}

/** SQL of debits and reservations. */
@Injectable()
export class DebitStore {
  /** `LOST`: the wallet has another version. `TAKEN`: a key was there already, and the transaction has failed. */
  async write(tx: TenantTransaction, write: WalletWrite): Promise<'WRITTEN' | 'LOST' | 'TAKEN'> {
    try {
      const plain = plainValues(tx.tenantId, write);
      const [row] = plain
        ? await tx.queryPrepared<{ held: number }>('write debits', WRITE_DEBITS, plain)
        : await tx.queryPrepared<{ held: number }>('write wallet', WRITE_WALLET, writeValues(tx.tenantId, write));
      return row?.held === 1 ? 'WRITTEN' : 'LOST';
    } catch (error) {
      if ((error as { code?: unknown }).code === UNIQUE_VIOLATION) return 'TAKEN';
      throw error;
    }
  }

  async version(tx: TenantTransaction, customerId: string): Promise<number | null> {
    const [row] = await tx.query<{ version: number }>('SELECT version FROM wallet WHERE tenant_id = $1 AND customer_id = $2', [
      tx.tenantId,
      customerId,
    ]);
    return row?.version ?? null;
  }

  /** By key. `reversalsOf`: also those that give this debit back. */
  async debits(
    tx: TenantTransaction,
    customerId: string,
    keys: readonly string[],
    reversalsOf: string | null = null,
  ): Promise<CreditDebit[]> {
    const rows = await tx.query<DebitRow>(DEBITS, [tx.tenantId, customerId, keys, reversalsOf]);
    return rows.map(debitOfRow);
  }

  /** What debits of [from, to) took from each grant and left owed, reversals of that time taken off: to the microsecond, where postings are coarser. */
  async takenBetween(
    tx: TenantTransaction,
    customerId: string,
    { start, end }: Period,
  ): Promise<{ readonly taken: readonly TakenCredits[]; readonly debt: Decimal }> {
    const rows = await tx.query<{ grant_id: string | null; credits: string; revenue: string; debt: string }>(TAKEN_BETWEEN, [
      ...[tx.tenantId, customerId, sqlInstant(start), sqlInstant(end)],
    ]);
    return {
      taken: rows.flatMap(({ grant_id: grantId, credits, revenue }) =>
        grantId === null ? [] : [{ grantId, credits: Decimal.parse(credits), revenue: Decimal.parse(revenue) }],
      ),
      debt: Decimal.sum(rows.map(({ debt }) => Decimal.parse(debt))),
    };
  }

  /** A reversal, which is decided under the wallet's lock. False: its key is taken. */
  async insertReversal(tx: TenantTransaction, customerId: string, debit: CreditDebit): Promise<boolean> {
    const rows = await tx.query(
      `INSERT INTO credit_debit (tenant_id, customer_id, key, transaction_id, credits, at, feature, reverses, grant_ids, grant_credits, grant_revenues, uncovered,
         debt, subscription_id, segment_id, period_start)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT DO NOTHING RETURNING 1`,
      [
        ...[
          tx.tenantId,
          customerId,
          debit.key,
          randomUUID(),
          debit.credits.toString(),
          sqlInstant(debit.at),
          debit.feature,
          debit.reverses,
        ],
        debit.taken.map(({ grantId }) => grantId),
        debit.taken.map(({ credits }) => credits.toString()),
        debit.taken.map(({ revenue }) => revenue.toString()),
        ...[debit.uncovered.toString(), debit.debt.toString(), debit.subscriptionId, debit.segmentId, sqlInstantOrNull(debit.periodStart)],
      ],
    );
    return rows.length > 0;
  }

  async openReservations(tx: TenantTransaction, customerId: string): Promise<CreditReservation[]> {
    return (await tx.query<ReservationRow>(OPEN_RESERVATIONS, [tx.tenantId, customerId])).map(reservationOfRow);
  }

  async reservations(
    tx: TenantTransaction,
    customerId: string,
    ids: readonly string[],
    keys: readonly string[],
  ): Promise<CreditReservation[]> {
    return (await tx.query<ReservationRow>(RESERVATIONS, [tx.tenantId, customerId, ids, keys])).map(reservationOfRow);
  }

  /** Those that began before the instant and were not ended by then; some of them had run out. */
  async reservationsOver(tx: TenantTransaction, customerId: string, at: Instant): Promise<CreditReservation[]> {
    return (await tx.query<ReservationRow>(RESERVATIONS_OVER, [tx.tenantId, customerId, sqlInstant(at)])).map(reservationOfRow);
  }

  /** Whose reservation it is; null for an id of nothing. */
  async ownerOf(tx: TenantTransaction, reservationId: string): Promise<string | null> {
    const [row] = await tx.query<{ customer_id: string }>('SELECT customer_id FROM credit_reservation WHERE tenant_id = $1 AND id = $2', [
      tx.tenantId,
      reservationId,
    ]);
    return row?.customer_id ?? null;
  }

  /** Customers with open reservations whose time is over. */
  async customersWithExpiredReservations(tx: TenantTransaction, now: Instant): Promise<string[]> {
    const rows = await tx.query<{ customer_id: string }>(EXPIRED_RESERVATIONS, [tx.tenantId, sqlInstant(now)]);
    return rows.map((row) => row.customer_id);
  }
}

/** For debits alone, all covered by one grant, of one period and posted as one: such are written with few columns. Null for anything else. */
function plainValues(tenantId: string, write: WalletWrite): unknown[] | null {
  const { customerId, version, transactionId, debits, postings, reservations, ended } = write;
  const burnt = postings[1];
  if (postings.length !== 2 || burnt?.account !== 'BURNT' || burnt.grantId === null || reservations.length + ended.length > 0) return null;
  const { credits, revenue, grantId, at, subscriptionId, segmentId, periodStart } = burnt;
  const keys: string[] = [];
  const amounts: string[] = [];
  const features: (string | null)[] = [];
  const revenues: string[] = [];
  for (const debit of debits) {
    const [part] = debit.taken;
    // What is taken of nothing, as a commit of zero is, has no posting to be told by.
    if (part === undefined || debit.taken.length > 1) return null;
    keys.push(debit.key);
    amounts.push(debit.credits.toString());
    features.push(debit.feature);
    revenues.push(part.revenue.toString());
  }
  return [
    ...[tenantId, customerId, version, credits.toString(), revenue.toString(), transactionId, grantId, sqlInstant(at)],
    ...[subscriptionId, segmentId, sqlInstantOrNull(periodStart)],
    ...[textArray(keys), plainArray(amounts), plainArray(sqlInstants(debits)), textArray(features), plainArray(revenues)],
  ];
}

/** Times of debits are mostly the same: each is written out once. */
function sqlInstants(debits: readonly CreditDebit[]): string[] {
  let last = { at: NaN, text: '' };
  return debits.map(({ at }) => {
    if (at !== last.at) last = { at, text: sqlInstant(at) };
    return last.text;
  });
}

/** $1 - $20. */
function walletValues(tenantId: string, { customerId, version, transactionId, postings }: WalletWrite): unknown[] {
  const sums = walletSums(postings);
  const moved = movedGrants(postings);
  return [
    ...[tenantId, customerId, version, sums.balance.toString(), sums.reserved.toString(), sums.debt.toString(), transactionId],
    ...postingColumns(postings),
    plainArray(moved.map(({ grantId }) => grantId)),
    plainArray(moved.map(({ remaining }) => remaining.toString())),
    plainArray(moved.map(({ reserved }) => reserved.toString())),
    plainArray(moved.map(({ priceUsed }) => priceUsed.toString())),
  ];
}

function writeValues(tenantId: string, write: WalletWrite): unknown[] {
  const { ended } = write;
  return [
    ...walletValues(tenantId, write),
    ...debitColumns(write.debits),
    ...reservationColumns(write.reservations),
    plainArray(ended.map(({ id }) => id)),
    plainArray(ended.map(({ status }) => status)),
    plainArray(ended.map(({ committed }) => committed?.toString() ?? null)),
    plainArray(ended.map(({ at }) => sqlInstant(at))),
  ];
}

function debitColumns(debits: readonly CreditDebit[]): string[] {
  return [
    textArray(debits.map(({ key }) => key)),
    plainArray(debits.map(({ credits }) => credits.toString())),
    plainArray(sqlInstants(debits)),
    textArray(debits.map(({ feature }) => feature)),
    textArray(debits.map(({ taken }) => plainArray(taken.map(({ grantId }) => grantId)))),
    textArray(debits.map(({ taken }) => plainArray(taken.map(({ credits }) => credits.toString())))),
    textArray(debits.map(({ taken }) => plainArray(taken.map(({ revenue }) => revenue.toString())))),
    plainArray(debits.map(({ uncovered }) => uncovered.toString())),
    plainArray(debits.map(({ debt }) => debt.toString())),
    plainArray(debits.map(({ subscriptionId }) => subscriptionId)),
    plainArray(debits.map(({ segmentId }) => segmentId)),
    plainArray(debits.map(({ periodStart }) => sqlInstantOrNull(periodStart))),
  ];
}

function postingColumns(postings: readonly Posting[]): string[] {
  return [
    plainArray(postings.map(({ account }) => account)),
    plainArray(postings.map(({ grantId }) => grantId)),
    plainArray(postings.map(({ credits }) => credits.toString())),
    plainArray(postings.map(({ revenue }) => revenue.toString())),
    plainArray(postings.map(({ at }) => sqlInstant(at))),
    plainArray(postings.map(({ subscriptionId }) => subscriptionId)),
    plainArray(postings.map(({ segmentId }) => segmentId)),
    plainArray(postings.map(({ periodStart }) => sqlInstantOrNull(periodStart))),
    plainArray(postings.map(({ cause }) => cause)),
  ];
}

function reservationColumns(reservations: readonly CreditReservation[]): string[] {
  return [
    plainArray(reservations.map(({ id }) => id)),
    textArray(reservations.map(({ key }) => key)),
    plainArray(reservations.map(({ credits }) => credits.toString())),
    plainArray(reservations.map(({ at }) => sqlInstant(at))),
    plainArray(reservations.map(({ ttlSeconds }) => ttlSeconds)),
    plainArray(reservations.map(({ expiresAt }) => sqlInstant(expiresAt))),
    textArray(reservations.map(({ held }) => plainArray(held.map(({ grantId }) => grantId)))),
    textArray(reservations.map(({ held }) => plainArray(held.map(({ credits }) => credits.toString())))),
    plainArray(reservations.map(({ uncovered }) => uncovered.toString())),
  ];
}

function reservationOfRow(row: ReservationRow): CreditReservation {
  return {
    id: row.id,
    key: row.key,
    credits: Decimal.parse(row.credits),
    at: row.at,
    ttlSeconds: row.ttl_seconds,
    expiresAt: row.expires_at,
    status: row.status,
    held: row.grant_ids.map((grantId, i) => ({ grantId, credits: Decimal.parse(row.grant_credits[i] ?? '') })),
    uncovered: Decimal.parse(row.uncovered),
    committed: row.committed === null ? null : Decimal.parse(row.committed),
  };
}

function debitOfRow(row: DebitRow): CreditDebit {
  return {
    key: row.key,
    credits: Decimal.parse(row.credits),
    at: row.at,
    feature: row.feature,
    reverses: row.reverses,
    taken: row.grant_ids.map((grantId, i) => ({
      grantId,
      credits: Decimal.parse(row.grant_credits[i] ?? ''),
      revenue: Decimal.parse(row.grant_revenues[i] ?? ''),
    })),
    uncovered: Decimal.parse(row.uncovered),
    debt: Decimal.parse(row.debt),
    subscriptionId: row.subscription_id,
    segmentId: row.segment_id,
    periodStart: row.period_start,
  };
}
