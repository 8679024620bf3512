import { Injectable } from '@nestjs/common';
import type { Instant } from '@tare/core';
import type { TenantTransaction } from '@tare/database';
import { randomUUID } from 'node:crypto';

/** Something that happened once and that somebody outside may want to be told. */
export interface NewAlertEvent {
  /** Dotted, in small letters: what it is about and what became of it, such as `credits.threshold_reached`. */
  readonly type: string;
  /** What it is about: the tenant's own key of the customer where it concerns one, else an id. */
  readonly subject: string;
  /** Two with the same key are the same happening, such as `credits.threshold_reached/<grant>/80`. Unique in the tenant. */
  readonly dedupeKey: string;
  /** What a receiver needs to act on it. Decimals as strings, instants as RFC 3339. */
  readonly payload: Readonly<Record<string, unknown>>;
}

export interface AlertEvent extends NewAlertEvent {
  readonly id: string;
  readonly createdAt: Instant;
}

/** Which alert events are wanted; null: all. */
export interface AlertEventFilter {
  readonly type?: string | null | undefined;
  readonly subject?: string | null | undefined;
}

/** Where a page of the list begins: behind this row, or at the newest. */
export interface AlertEventPosition {
  readonly beforeTime: string | null;
  readonly beforeId: string | null;
  readonly limit: number;
}

interface AlertEventRow {
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly dedupe_key: string;
  readonly payload: Record<string, unknown>;
  readonly created_at: Instant;
}

/** SQL of alert events: rows are only ever added. */
@Injectable()
export class AlertEventStore {
  /** In one statement. Answers the dedupe keys that are new. */
  async insert(tx: TenantTransaction, events: readonly NewAlertEvent[]): Promise<string[]> {
    const rows = await tx.query<{ dedupe_key: string }>(
      `INSERT INTO alert_event (tenant_id, id, type, subject, dedupe_key, payload)
       SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::jsonb[])
       ON CONFLICT (tenant_id, dedupe_key) DO NOTHING RETURNING dedupe_key`,
      [
        tx.tenantId,
        events.map(() => randomUUID()),
        events.map(({ type }) => type),
        events.map(({ subject }) => subject),
        events.map(({ dedupeKey }) => dedupeKey),
        events.map(({ payload }) => JSON.stringify(payload)),
      ],
    );
    return rows.map(({ dedupe_key: dedupeKey }) => dedupeKey);
  }

  /** Newest first. */
  async page(tx: TenantTransaction, { type, subject }: AlertEventFilter, position: AlertEventPosition): Promise<AlertEvent[]> {
    const rows = await tx.query<AlertEventRow>(
      `SELECT id, type, subject, dedupe_key, payload, created_at FROM alert_event
       WHERE tenant_id = $1 AND ($2::text IS NULL OR type = $2) AND ($3::text IS NULL OR subject = $3)
         AND ($4::timestamptz IS NULL OR (created_at, id) < ($4::timestamptz, $5::uuid))
       ORDER BY created_at DESC, id DESC LIMIT $6`,
      [tx.tenantId, type ?? null, subject ?? null, position.beforeTime, position.beforeId, position.limit],
    );
    return rows.map(({ dedupe_key: dedupeKey, created_at: createdAt, ...event }) => ({ ...event, dedupeKey, createdAt }));
  }
}
