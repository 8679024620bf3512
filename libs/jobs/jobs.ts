/**
 * Names of jobs and what each carries. A job is a hint to look at rows: it may run twice, late, or never, and then a sweep finds the rows. Payloads hold ids only.
 */
export interface JobPayloads {
  /** Bills a tenant up to now. */
  readonly 'billing.run': { readonly tenantId: string };
  /** Takes the next step of one invoice towards Stripe. */
  readonly 'stripe.sync': { readonly tenantId: string; readonly invoiceId: string };
  /** Looks for invoices that wait for a step. */
  readonly 'stripe.sweep': Readonly<Record<string, never>>;
  /** Gives costs to events whose rate has become known. */
  readonly 'costs.recost': { readonly tenantId: string };
  /** Draws wallets by usage that nobody announced, and releases reservations that have run out, of all tenants. */
  readonly 'credits.draw': Readonly<Record<string, never>>;
  /** Rolls up what meters count, and fills in the history of new ones, of all tenants. */
  readonly 'meters.roll-up': Readonly<Record<string, never>>;
  /** Merges bucket deltas of all tenants. */
  readonly 'usage.compact': Readonly<Record<string, never>>;
  /** Drops events of all tenants after their retention. */
  readonly 'usage.retain': Readonly<Record<string, never>>;
  /** Tells of limits that customers come near, of all tenants. */
  readonly 'entitlements.alert': Readonly<Record<string, never>>;
  /** Looks for tenants that something is due for. */
  readonly sweep: Readonly<Record<string, never>>;
}

export type JobName = keyof JobPayloads;

/** Jobs that need nobody to ask for them: their payload is empty. */
export type ScheduledJob =
  'sweep' | 'stripe.sweep' | 'credits.draw' | 'meters.roll-up' | 'usage.compact' | 'usage.retain' | 'entitlements.alert';

export const JOB_NAMES = [
  'billing.run',
  'stripe.sync',
  'stripe.sweep',
  'costs.recost',
  'credits.draw',
  'meters.roll-up',
  'usage.compact',
  'usage.retain',
  'entitlements.alert',
  'sweep',
] as const satisfies readonly JobName[];
