import { Args, ID, Int, Mutation, Query, Resolver } from '@nestjs/graphql';
import type { Principal } from '@tare/access';
import {
  BillingService,
  EarlyFinalization,
  InvoicePreviews,
  InvoiceRegeneration,
  InvoicesService,
  type InvoiceStatus,
  type InvoiceView,
} from '@tare/billing';
import { cursorOf } from '@tare/catalog';
import { CodedError, type Instant } from '@tare/core';
import { StripeSync } from '@tare/stripe';
import { CurrentPrincipal } from '../auth/current-principal.ts';
import { RequireScope } from '../auth/require-scope.ts';
import { DateTimeScalar } from '../graphql/scalars.ts';
import { InvoiceViews } from './invoice-views.ts';
import { BillingRun, Invoice, InvoiceConnection, InvoiceStatuses } from './invoices.types.ts';

@Resolver(() => Invoice)
export class InvoicesResolver {
  constructor(
    private readonly billing: BillingService,
    private readonly previews: InvoicePreviews,
    private readonly service: InvoicesService,
    private readonly views: InvoiceViews,
    private readonly regeneration: InvoiceRegeneration,
    private readonly finalization: EarlyFinalization,
    private readonly sync: StripeSync,
  ) {}

  @Mutation(() => BillingRun, {
    description:
      'Does everything that is due by `asOf`: drafts invoices, finalizes those whose grace period is over and closes their periods. It may be called again, and ' +
      'at the same time, without harm. A live tenant cannot pass a time ahead of the clock (AS_OF_IN_FUTURE); a test tenant can.',
  })
  @RequireScope('WRITE')
  runBilling(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('asOf', { type: () => DateTimeScalar }) asOf: Instant,
  ): Promise<BillingRun> {
    return this.billing.run(tenantId, asOf);
  }

  @Mutation(() => Invoice, {
    description:
      'Voids a draft, or a finalized invoice that nobody has paid: credits that it burnt are given back. Nothing is due for its periods until regenerateInvoice ' +
      'bills them again. A second call changes nothing. A paid invoice is INVOICE_PAID, one with credit notes INVOICE_CREDITED.',
  })
  @RequireScope('WRITE')
  async voidInvoice(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('invoice', { type: () => ID }) id: string,
  ): Promise<Invoice> {
    return this.viewed(tenantId, await this.service.voidInvoice(tenantId, id, undefined, apiKeyId));
  }

  @Mutation(() => Invoice, {
    description:
      'Bills the periods of a voided invoice again, with what is known now: a new invoice, final at once, that takes off what corrections of the voided one ' +
      'have billed or given since. A second call answers the invoice that is there.',
  })
  @RequireScope('WRITE')
  async regenerateInvoice(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('invoice', { type: () => ID, description: 'The voided one.' }) id: string,
  ): Promise<Invoice> {
    return this.viewed(tenantId, await this.regeneration.regenerate(tenantId, id, apiKeyId));
  }

  @Mutation(() => Invoice, {
    description:
      'Finalizes a draft before its grace period is over, with what is known now; what of the customer is due before it comes first. A second call changes nothing.',
  })
  @RequireScope('WRITE')
  async finalizeInvoice(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('invoice', { type: () => ID }) id: string,
    @Args('at', {
      type: () => DateTimeScalar,
      nullable: true,
      description: 'Billing time. None: now; for a test tenant when the draft was made.',
    })
    at: Instant | null,
  ): Promise<Invoice> {
    return this.viewed(tenantId, await this.finalization.finalize(tenantId, id, at, apiKeyId));
  }

  @Mutation(() => Invoice, {
    description:
      'Marks a finalized invoice, also one written off, as paid outside of Stripe, which then asks for nothing any more. A second call changes nothing.',
  })
  @RequireScope('WRITE')
  async payInvoice(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('invoice', { type: () => ID }) id: string,
    @Args('at', { type: () => DateTimeScalar, nullable: true, description: 'When it was paid; now unless said.' }) at: Instant | null,
  ): Promise<Invoice> {
    return this.viewed(tenantId, await this.service.pay(tenantId, id, at ?? Date.now() * 1_000, apiKeyId));
  }

  @Mutation(() => Invoice, {
    description:
      'Writes a finalized invoice off, in Stripe too: nobody expects it to be paid. It may still be paid. A second call changes nothing.',
  })
  @RequireScope('WRITE')
  async markUncollectible(
    @CurrentPrincipal() { tenantId, apiKeyId }: Principal,
    @Args('invoice', { type: () => ID }) id: string,
  ): Promise<Invoice> {
    return this.viewed(tenantId, await this.service.markUncollectible(tenantId, id, apiKeyId));
  }

  @Mutation(() => Invoice, {
    description: 'Starts the Stripe sync of an invoice that FAILED again where it stopped, after somebody has looked at its alert.',
  })
  @RequireScope('WRITE')
  async retryInvoiceSync(@CurrentPrincipal() { tenantId }: Principal, @Args('invoice', { type: () => ID }) id: string): Promise<Invoice> {
    const invoice = await this.service.byId(tenantId, id);
    if (invoice === null) throw new CodedError('NOT_FOUND', `There is no invoice with id "${id}".`, 'invoice');
    await this.sync.retry(tenantId, id);
    return this.viewed(tenantId, (await this.service.byId(tenantId, id)) ?? invoice);
  }

  @Query(() => [Invoice], {
    description:
      'What a customer would be invoiced for at `at` (now unless said): first what runBilling at that time would issue, of all kinds and to the cent (`preview` is ' +
      'DUE); then what is due and in its grace period (IN_GRACE); then the usage so far of running periods, without minimums and commitments (SO_FAR). Nothing ' +
      'is stored.',
  })
  @RequireScope('READ')
  async invoicePreview(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('customer', { description: 'Your own key of the customer.' }) customer: string,
    @Args('at', { type: () => DateTimeScalar, nullable: true }) at: Instant | null,
  ): Promise<Invoice[]> {
    return this.views.of(tenantId, await this.previews.of(tenantId, customer, at ?? undefined));
  }

  @Query(() => Invoice, { nullable: true })
  @RequireScope('READ')
  async invoice(@CurrentPrincipal() { tenantId }: Principal, @Args('id', { type: () => ID }) id: string): Promise<Invoice | null> {
    const invoice = await this.service.byId(tenantId, id);
    return invoice && this.viewed(tenantId, invoice);
  }

  @Query(() => InvoiceConnection, {
    description: 'Invoices in the order in which they were made; 50 unless `first` says otherwise, at most 500.',
  })
  @RequireScope('READ')
  async invoices(
    @CurrentPrincipal() { tenantId }: Principal,
    @Args('customer', { type: () => String, nullable: true, description: 'Your own key of a customer; none: of all.' })
    customer: string | null,
    @Args('status', { type: () => InvoiceStatuses, nullable: true }) status: InvoiceStatus | null,
    @Args('first', { type: () => Int, nullable: true }) first: number | null,
    @Args('after', { type: () => String, nullable: true }) after: string | null,
  ): Promise<InvoiceConnection> {
    const { rows, hasNextPage } = await this.service.list(tenantId, { customer, status, first, after });
    const nodes = await this.views.of(tenantId, rows);
    const edges = nodes.flatMap((node, index) => rows.slice(index, index + 1).map((row) => ({ cursor: cursorOf(row), node })));
    return { edges, pageInfo: { hasNextPage, endCursor: edges.at(-1)?.cursor ?? null } };
  }

  private async viewed(tenantId: string, invoice: InvoiceView): Promise<Invoice> {
    const [view] = await this.views.of(tenantId, [invoice]);
    if (view === undefined) throw new Error(`invoice ${invoice.id} has no view`);
    return view;
  }
}
