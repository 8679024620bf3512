import { Injectable } from '@nestjs/common';
import { CodedError, requiredText, validateMeter } from '@tare/core';
import type { Aggregation, MeterFilter } from '@tare/core';
import { Database, type TenantTransaction } from '@tare/database';
import { isDeepStrictEqual } from 'node:util';
import type { Page, PageRequest } from './keyset-page.ts';
import { MeterStore, type NewMeter, type StoredMeter } from './meter.store.ts';

/** MeterInput of the contract. */
export interface MeterInput {
  readonly key: string;
  readonly name: string;
  readonly eventType: string;
  readonly aggregation: Aggregation;
  readonly valueProperty?: string | null | undefined;
  readonly filters?: readonly MeterFilter[] | null | undefined;
  readonly groupBy?: readonly string[] | null | undefined;
}

/** What usage is counted by. A meter never changes once it is made. */
@Injectable()
export class MetersService {
  constructor(
    private readonly database: Database,
    private readonly store: MeterStore,
  ) {}

  /** Makes a meter; the same one again answers the one that is there. @throws CodedError ALREADY_EXISTS, and those of validateMeter */
  async create(tenantId: string, input: MeterInput): Promise<StoredMeter> {
    const meter = meterOfInput(input);
    return this.database.withTenant(tenantId, async (tx) => (await this.store.insert(tx, meter)) ?? this.requireSame(tx, meter));
  }

  byKey(tenantId: string, key: string): Promise<StoredMeter | null> {
    return this.database.withTenant(tenantId, (tx) => this.store.byKey(tx, key));
  }

  page(tenantId: string, request: PageRequest): Promise<Page<StoredMeter>> {
    return this.database.withTenant(tenantId, (tx) => this.store.page(tx, request));
  }

  private async requireSame(tx: TenantTransaction, meter: NewMeter): Promise<StoredMeter> {
    const existing = await this.store.byKey(tx, meter.key);
    if (existing !== null && isDeepStrictEqual(contentOf(existing), contentOf(meter))) return existing;
    throw new CodedError(
      'ALREADY_EXISTS',
      `There is another meter with the key "${meter.key}". A meter never changes: choose a new key.`,
      'key',
    );
  }
}

function meterOfInput(input: MeterInput): NewMeter {
  const meter = {
    key: input.key,
    eventType: input.eventType,
    aggregation: input.aggregation,
    valueProperty: input.valueProperty ?? null,
    filters: (input.filters ?? []).map(({ property, in: values }) => ({ property, in: [...values] })),
    groupBy: [...(input.groupBy ?? [])],
  };
  return { ...validateMeter(meter), name: requiredText(input.name, 'name') };
}

function contentOf({ key, name, eventType, aggregation, valueProperty, filters, groupBy }: NewMeter): NewMeter {
  return { key, name, eventType, aggregation, valueProperty, filters, groupBy };
}
