import { Injectable } from '@nestjs/common';
import { CodedError, type Decimal, type Instant } from '@tare/core';

/** Whether a customer may do something now, and how much is left. */
export interface Entitlement {
  readonly allowed: boolean;
  /** Why not. */
  readonly reason: string | null;
  readonly remaining: Decimal | null;
  readonly resetsAt: Instant | null;
}

/** What a customer may do now. Comes with a later release: until then it says so instead of guessing. */
@Injectable()
export class EntitlementsService {
  /** @throws CodedError NOT_AVAILABLE always */
  entitlement(_tenantId: string, _customer: string, _feature: string): Promise<Entitlement> {
    return Promise.reject(new CodedError('NOT_AVAILABLE', 'Entitlements come with a later release of Tare.'));
  }
}
