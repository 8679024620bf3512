import { Injectable } from '@nestjs/common';
import { CodedError, currencyOf, Decimal, PRICE_PRECISION, requirePrecision } from '@tare/core';
import { Database, type TenantTransaction } from '@tare/database';
import { AuditLog } from './audit-log.store.ts';
import { requireRate } from './rate.ts';
import { changedSeller, type SellerInput } from './seller.ts';
import { SettingsStore, type TenantSettings } from './settings.store.ts';

/** TenantSettingsInput of the contract: what is absent stays; null takes a retention, a floor or a rate away. */
export interface TenantSettingsInput {
  readonly backdatingDays?: number | null | undefined;
  readonly retentionDays?: number | null | undefined;
  readonly graceSeconds?: number | null | undefined;
  readonly reportingCurrency?: string | null | undefined;
  readonly marginFloor?: Decimal | null | undefined;
  readonly ingestEventsPerSecond?: number | null | undefined;
  readonly requestsPerSecond?: number | null | undefined;
  readonly seller?: SellerInput | null | undefined;
  readonly invoiceNumberPrefix?: string | null | undefined;
  readonly creditNoteNumberPrefix?: string | null | undefined;
}

const MOST_DAYS = 3_650;
/** An event's key is remembered as long as the event, and 35 days at the least (SEMANTICS 3.1). */
const LEAST_RETENTION_DAYS = 35;
const LONGEST_GRACE_SECONDS = 30 * 86_400;

/** A tenant's settings. */
@Injectable()
export class SettingsService {
  constructor(
    private readonly database: Database,
    private readonly store: SettingsStore,
    private readonly audit: AuditLog,
  ) {}

  /** @throws CodedError NOT_FOUND */
  settings(tenantId: string): Promise<TenantSettings> {
    return this.database.withTenant(tenantId, (tx) => this.settingsIn(tx));
  }

  /** In another's transaction. @throws CodedError NOT_FOUND */
  async settingsIn(tx: TenantTransaction): Promise<TenantSettings> {
    return requireTenant(await this.store.load(tx), tx.tenantId);
  }

  /** @throws CodedError NOT_FOUND | OUT_OF_RANGE | FIELD_MISSING | UNKNOWN_CURRENCY | TOO_PRECISE | FIELD_TOO_LONG | INVALID_CHARACTER | INVALID_EMAIL | INVALID_PREFIX */
  update(tenantId: string, input: TenantSettingsInput, actor: string): Promise<TenantSettings> {
    return this.database.withTenant(tenantId, async (tx) => {
      const before = requireTenant(await this.store.loadForUpdate(tx), tenantId);
      const after = changed(before, input);
      await this.store.save(tx, after);
      await this.audit.record(tx, { actor, action: 'tenant_settings.update', subject: tenantId, detail: { before, after } });
      return after;
    });
  }
}

function requireTenant(settings: TenantSettings | null, tenantId: string): TenantSettings {
  if (settings === null) throw new CodedError('NOT_FOUND', `There is no tenant with id "${tenantId}".`);
  return settings;
}

function changed(before: TenantSettings, input: TenantSettingsInput): TenantSettings {
  return {
    backdatingDays: wholeNumber(input.backdatingDays, before.backdatingDays, 'backdatingDays', 0, MOST_DAYS),
    retentionDays:
      input.retentionDays === null
        ? null
        : wholeNumber(input.retentionDays, before.retentionDays, 'retentionDays', LEAST_RETENTION_DAYS, MOST_DAYS),
    graceSeconds: wholeNumber(input.graceSeconds, before.graceSeconds, 'graceSeconds', 0, LONGEST_GRACE_SECONDS),
    reportingCurrency: currencyOf(present(input.reportingCurrency, before.reportingCurrency, 'reportingCurrency'), 'reportingCurrency')
      .code,
    marginFloor: input.marginFloor === undefined ? before.marginFloor : floorOf(input.marginFloor),
    ingestEventsPerSecond: rateOf(input.ingestEventsPerSecond, before.ingestEventsPerSecond, 'ingestEventsPerSecond'),
    requestsPerSecond: rateOf(input.requestsPerSecond, before.requestsPerSecond, 'requestsPerSecond'),
    seller: changedSeller(before.seller, input.seller),
    ...prefixesOf(before, input),
  };
}

/** Absent keeps what was there; null is no value for a setting that always has one. */
function present<Value>(value: Value | null | undefined, before: Value, field: string): Value {
  if (value === null) throw new CodedError('FIELD_MISSING', 'This setting always has a value: leave it out to keep it.', field);
  return value ?? before;
}

function wholeNumber<Kept extends number | null>(
  value: number | null | undefined,
  before: Kept,
  field: string,
  least: number,
  most: number,
): Kept | number {
  const number = present<Kept | number>(value, before, field);
  if (number !== null && number !== before && (number < least || number > most)) {
    throw new CodedError('OUT_OF_RANGE', `A whole number from ${least} to ${most} is expected.`, field);
  }
  return number;
}

const rateOf = (rate: number | null | undefined, before: number | null, field: string): number | null =>
  rate === undefined ? before : requireRate(rate, field);

function floorOf(floor: Decimal | null): Decimal | null {
  if (floor === null) return null;
  if (floor.compare(Decimal.ONE) >= 0) throw new CodedError('OUT_OF_RANGE', 'A margin rate is below 1: "0.25" is 25 %.', 'marginFloor');
  return requirePrecision(floor, PRICE_PRECISION, 'marginFloor');
}

/** Of an invoice's number, short enough for every book-keeping program, and the two series must not meet. */
const PREFIX = /^[A-Z0-9](?:[A-Z0-9./-]{0,18}[A-Z0-9])?$/;

function prefixesOf(
  before: TenantSettings,
  input: TenantSettingsInput,
): Pick<TenantSettings, 'invoiceNumberPrefix' | 'creditNoteNumberPrefix'> {
  const invoiceNumberPrefix = prefixOf(input.invoiceNumberPrefix, before.invoiceNumberPrefix, 'invoiceNumberPrefix');
  const creditNoteNumberPrefix = prefixOf(input.creditNoteNumberPrefix, before.creditNoteNumberPrefix, 'creditNoteNumberPrefix');
  if (invoiceNumberPrefix === creditNoteNumberPrefix)
    throw new CodedError(
      'INVALID_PREFIX',
      'Invoices and credit notes have series of their own: give them two prefixes.',
      'invoiceNumberPrefix',
    );
  return { invoiceNumberPrefix, creditNoteNumberPrefix };
}

function prefixOf(value: string | null | undefined, before: string, field: string): string {
  const prefix = present(value, before, field);
  if (PREFIX.test(prefix)) return prefix;
  throw new CodedError(
    'INVALID_PREFIX',
    'A prefix has 1 to 20 of A-Z, 0-9, ".", "/" and "-", and begins and ends with a letter or digit.',
    field,
  );
}
