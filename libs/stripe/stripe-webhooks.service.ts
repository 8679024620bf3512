import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { CodedError } from '@tare/core';
import { Database } from '@tare/database';
import type Stripe from 'stripe';
import { CreditNoteSyncStore } from './credit-notes/credit-note-sync.store.ts';
import { StripeClient } from './stripe-client.ts';
import { StripeConfiguration } from './stripe-configuration.ts';
import { sentenceOf } from './stripe-failure.ts';
import { StripeSyncStore } from './stripe-sync.store.ts';
import { StripeSync } from './stripe-sync.service.ts';
import { SyncTiming } from './sync-timing.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What of an event we go by: not what it says happened, only what it is about. */
interface AboutOurs {
  readonly id: string;
  readonly type: string;
  readonly objectId: string;
  readonly tenantId: string;
  readonly subject: { readonly kind: 'INVOICE' | 'CREDIT_NOTE'; readonly id: string };
}

/** Events that Stripe sends. An event only wakes the sync of its invoice or credit note, which then looks at Stripe itself: order and repeats do not matter. */
@Injectable()
export class StripeWebhooks implements OnModuleDestroy {
  private readonly logger = new Logger(StripeWebhooks.name);
  private readonly running = new Set<Promise<void>>();

  constructor(
    private readonly database: Database,
    private readonly configuration: StripeConfiguration,
    private readonly client: StripeClient,
    private readonly timing: SyncTiming,
    private readonly store: StripeSyncStore,
    private readonly noteStore: CreditNoteSyncStore,
    private readonly sync: StripeSync,
  ) {}

  /**
   * Keeps a delivery and returns; the look at Stripe goes on behind it, and the sweep makes up for it if this process dies. Events that are not about
   * an invoice or credit note of ours (of `tenantId`, when one is given) are taken and forgotten.
   * @throws CodedError INVALID_SIGNATURE before anything of the body is believed, WEBHOOKS_NOT_SET_UP without STRIPE_WEBHOOK_SECRET
   */
  async receive(rawBody: Buffer, signature: string, tenantId?: string): Promise<void> {
    if (this.configuration.options.webhookSecrets.length === 0) {
      throw new CodedError('WEBHOOKS_NOT_SET_UP', 'STRIPE_WEBHOOK_SECRET is not set.');
    }
    const event = this.client.eventOf(rawBody, signature);
    if (event === null) throw new CodedError('INVALID_SIGNATURE', 'The Stripe-Signature header does not fit the body, or is too old.');
    const about = aboutOurs(event);
    if (about === null || (tenantId !== undefined && about.tenantId !== tenantId.toLowerCase())) return;
    if (await this.keep(about)) this.look(about);
  }

  /** Resolves when no look is going on. */
  async idle(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
  }

  async onModuleDestroy(): Promise<void> {
    await this.idle();
  }

  private async keep(event: AboutOurs): Promise<boolean> {
    const now = this.timing.now();
    return this.database.withTenant(event.tenantId, async (tx) => {
      const { kind, id: about } = event.subject;
      if (kind === 'CREDIT_NOTE') return this.noteStore.takeEvent(tx, { ...event, about }, now);
      const isNew = await this.store.keepEvent(tx, { ...event, about }, now);
      if (isNew) await this.store.wake(tx, about, now);
      return isNew;
    });
  }

  private look({ tenantId, subject }: AboutOurs): void {
    const step = subject.kind === 'INVOICE' ? this.sync.step(tenantId, subject.id) : this.sync.stepCreditNote(tenantId, subject.id);
    const looking = step
      .catch((error: unknown) => this.logger.error(`${subject.kind} ${subject.id} waits for the sweep: ${sentenceOf(error)}`))
      .finally(() => this.running.delete(looking));
    this.running.add(looking);
  }
}

/** The metadata in which each kind of object carries our id. */
const OUR_ID = { invoice: ['INVOICE', 'tare_invoice'], credit_note: ['CREDIT_NOTE', 'tare_credit_note'] } as const;

function aboutOurs({ id, type, data }: Stripe.Event): AboutOurs | null {
  const object = data.object as { id?: string; object: string; metadata?: Stripe.Metadata | null };
  if (object.object !== 'invoice' && object.object !== 'credit_note') return null;
  const [kind, key] = OUR_ID[object.object];
  const tenantId = object.metadata?.['tare_tenant'] ?? '';
  const subjectId = object.metadata?.[key] ?? '';
  if (object.id === undefined || !UUID.test(tenantId) || !UUID.test(subjectId)) return null;
  return { id, type, objectId: object.id, tenantId: tenantId.toLowerCase(), subject: { kind, id: subjectId.toLowerCase() } };
}
