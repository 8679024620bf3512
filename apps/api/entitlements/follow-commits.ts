import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { EntitlementsService } from '@tare/entitlements';
import { UsageAnnouncements } from '@tare/usage';

/** Tells the entitlement check of usage that this process committed, so that the next question sees it. */
@Injectable()
export class FollowCommits implements OnModuleInit, OnModuleDestroy {
  private stop: (() => void) | null = null;

  constructor(
    private readonly announcements: UsageAnnouncements,
    private readonly entitlements: EntitlementsService,
  ) {}

  onModuleInit(): void {
    this.stop = this.announcements.onCommitted((tenantId, customerNos) => this.entitlements.moved(tenantId, customerNos));
  }

  onModuleDestroy(): void {
    this.stop?.();
  }
}
