import { Injectable } from '@nestjs/common';
import type { Instant, Segment } from '@tare/core';
import type { RatersChange } from '@tare/customers';
import { sqlInstant, type TenantTransaction } from '@tare/database';
import { NumberSeries } from '../invoices/number-series.store.ts';

/** Subscriptions of a customer as they were agreed when an invoice was made: by their ids, where the segments ended that were there then. */
export type AgreedThen = ReadonlyMap<string, ReadonlyMap<string, Instant | null>>;

interface AgreedRow {
  readonly ord: number;
  readonly subscription_id: string;
  readonly ends: Readonly<Record<string, Instant | null>>;
}

/**
 * SQL of what was agreed until a subscription changed with effect from before invoices that the customer has. Only such changes add a row; a segment's other
 * terms never change. What is not recorded has not changed for anybody who asks (SEMANTICS 8.4, docs/decisions/0026).
 */
@Injectable()
export class AgreedBeforeStore {
  constructor(private readonly numbers: NumberSeries) {}

  /**
   * Keeps what was agreed before a change, where an invoice of another subscription of the customer may be made of it: of those, all usage is from before
   * their billing instants. Of several changes between two invoices the first one's is kept. The customer is held.
   */
  async record(tx: TenantTransaction, { customerId, subscriptionId, from, endsBefore }: RatersChange): Promise<void> {
    const invoiced = await tx.query(
      `SELECT 1 FROM invoice WHERE tenant_id = $1 AND customer_id = $2 AND billing_at > $3 AND number IS NOT NULL AND subscription_id <> $4 LIMIT 1`,
      [tx.tenantId, customerId, sqlInstant(from), subscriptionId],
    );
    if (invoiced.length === 0) return;
    await tx.query(
      `INSERT INTO agreed_before (tenant_id, customer_id, subscription_id, place, ends) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
      [tx.tenantId, customerId, subscriptionId, await this.numbers.nextPlace(tx), JSON.stringify(Object.fromEntries(endsBefore))],
    );
  }

  /** What invoices at their places were made with, in the order asked for; of subscriptions that are not named, what is agreed now. */
  async madeWith(
    tx: TenantTransaction,
    invoices: readonly { readonly customerId: string; readonly place: number }[],
  ): Promise<AgreedThen[]> {
    if (invoices.length === 0) return [];
    const rows = await tx.query<AgreedRow>(
      `SELECT DISTINCT ON (w.ord, a.subscription_id) w.ord::int AS ord, a.subscription_id, a.ends
       FROM unnest($2::uuid[], $3::int4[]) WITH ORDINALITY AS w (customer_id, place, ord)
       JOIN agreed_before a ON a.tenant_id = $1 AND a.customer_id = w.customer_id AND a.place > w.place
       ORDER BY w.ord, a.subscription_id, a.place`,
      [tx.tenantId, invoices.map(({ customerId }) => customerId), invoices.map(({ place }) => place)],
    );
    const found = invoices.map(() => new Map<string, ReadonlyMap<string, Instant | null>>());
    for (const { ord, subscription_id: id, ends } of rows) found[ord - 1]?.set(id, new Map(Object.entries(ends)));
    return found;
  }
}

/**
 * A customer's segments as an invoice of `subscriptionId` was made with: its own as they are now, since what is billed is not cut; of the other subscriptions
 * those that were there, with the ends that they had.
 */
export function segmentsThen(segments: readonly Segment[], subscriptionId: string, agreed: AgreedThen): readonly Segment[] {
  if (agreed.size === 0) return segments;
  return segments.flatMap((segment) => {
    const ends = segment.subscriptionId === subscriptionId ? undefined : agreed.get(segment.subscriptionId);
    if (ends === undefined) return [segment];
    const end = ends.get(segment.id);
    return end === undefined ? [] : [{ ...segment, end }];
  });
}
