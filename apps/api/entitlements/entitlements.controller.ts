import { Controller, Get, Param } from '@nestjs/common';
import type { Principal } from '@tare/access';
import { formatInstant } from '@tare/core';
import { EntitlementsService } from '@tare/entitlements';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { entitlementView } from './entitlements.types.ts';

/** The entitlement check by REST: what GraphQL answers, with less on the way. */
@Controller('v1/entitlements')
export class EntitlementsController {
  constructor(private readonly entitlements: EntitlementsService) {}

  /** Answers 200 whether it is allowed or not. Amounts are decimal strings, times RFC 3339. */
  @Get(':customer/:feature')
  @RequireScope('READ')
  async entitlement(
    @CurrentPrincipal() { tenantId }: Principal,
    @Param('customer') customer: string,
    @Param('feature') feature: string,
  ): Promise<object> {
    const { resetsAt, caps, ...answer } = entitlementView(await this.entitlements.entitlement(tenantId, customer, feature));
    return {
      ...answer,
      resetsAt: resetsAt === null ? null : formatInstant(resetsAt),
      caps: caps.map((cap) => ({ ...cap, resetsAt: formatInstant(cap.resetsAt) })),
    };
  }
}
