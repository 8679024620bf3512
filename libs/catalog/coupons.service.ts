import { Injectable } from '@nestjs/common';
import { AuditLog } from '@tare/access';
import { CodedError } from '@tare/core';
import { Database, type TenantTransaction } from '@tare/database';
import { isDeepStrictEqual } from 'node:util';
import { parseCoupon, type Coupon, type CouponInput, type NewCoupon } from './coupon.ts';
import { CouponStore } from './coupon.store.ts';
import type { Page, PageRequest } from './keyset-page.ts';

/** Nobody in particular: a process of ours. */
const ANYBODY = 'tare';

/** Discounts that customers redeem by a key. Who made or archived one is written down with it; `actor`: id of the API key. */
@Injectable()
export class CouponsService {
  constructor(
    private readonly database: Database,
    private readonly store: CouponStore,
    private readonly audit: AuditLog,
  ) {}

  /** Makes a coupon; the same one again answers the one that is there. @throws CodedError ALREADY_EXISTS, and those of parseCoupon */
  async create(tenantId: string, input: CouponInput, actor = ANYBODY): Promise<Coupon> {
    const coupon = parseCoupon(input);
    return this.database.withTenant(tenantId, async (tx) => {
      const made = await this.store.insert(tx, coupon);
      if (made === null) return this.requireSame(tx, coupon);
      // What a coupon promises never changes: its row says it.
      await this.audit.record(tx, { actor, action: 'coupon.create', subject: coupon.key, detail: { name: coupon.name } });
      return made;
    });
  }

  /** Ends that it can be redeemed; discounts that were redeemed go on. @throws CodedError NOT_FOUND */
  async archive(tenantId: string, key: string, actor = ANYBODY): Promise<Coupon> {
    return this.database.withTenant(tenantId, async (tx) => {
      const before = await this.store.byKey(tx, key);
      const coupon = before && (await this.store.archive(tx, key));
      if (coupon === null) throw new CodedError('NOT_FOUND', 'There is no coupon with this key.', 'key');
      if (before?.archivedAt === null) await this.audit.record(tx, { actor, action: 'coupon.archive', subject: key, detail: {} });
      return coupon;
    });
  }

  byKey(tenantId: string, key: string): Promise<Coupon | null> {
    return this.database.withTenant(tenantId, (tx) => this.store.byKey(tx, key));
  }

  /** In the order in which they were made: those that are offered or, when asked, those that are archived. */
  page(tenantId: string, request: PageRequest, archived: boolean): Promise<Page<Coupon>> {
    return this.database.withTenant(tenantId, (tx) => this.store.page(tx, request, archived));
  }

  private async requireSame(tx: TenantTransaction, coupon: NewCoupon): Promise<Coupon> {
    const existing = await this.store.byKey(tx, coupon.key);
    if (existing !== null && isDeepStrictEqual(contentOf(existing), contentOf(coupon))) return existing;
    throw new CodedError(
      'ALREADY_EXISTS',
      `There is another coupon with the key "${coupon.key}": what a coupon promises never changes.`,
      'key',
    );
  }
}

function contentOf(coupon: NewCoupon): unknown {
  const { key, name, percentOff, amountOff, prices, addOns, appliesTo, periods, until, carriesOn, maxRedemptions, redeemBy } = coupon;
  const amounts = [percentOff?.toString(), amountOff?.amount.toString(), amountOff?.currency];
  return [key, name, amounts, prices, addOns, appliesTo, periods, until, carriesOn, maxRedemptions, redeemBy];
}
