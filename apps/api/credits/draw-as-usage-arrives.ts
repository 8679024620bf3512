import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { UsageFollower } from '@tare/credits';
import { UsageAnnouncements } from '@tare/usage';
import { log } from '../log.ts';

/** Wallets are drawn soon after this process has committed usage; what other processes commit is drawn by them, or by the worker's sweep. */
@Injectable()
export class DrawAsUsageArrives implements OnModuleInit, OnModuleDestroy {
  private stop: (() => void) | null = null;

  constructor(
    private readonly announcements: UsageAnnouncements,
    private readonly follower: UsageFollower,
  ) {}

  onModuleInit(): void {
    this.follower.onFailure = (error) => log('warn', 'a wallet was not drawn; the sweep will', { error: String(error) });
    this.stop = this.announcements.onCommitted((tenantId, customerNos) => this.follower.hear(tenantId, customerNos));
  }

  async onModuleDestroy(): Promise<void> {
    this.stop?.();
    await this.follower.drain();
  }
}
