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
  /** Looks for tenants that something is due for. */
  readonly sweep: Readonly<Record<string, never>>;
}

export type JobName = keyof JobPayloads;

export const JOB_NAMES = ['billing.run', 'stripe.sync', 'stripe.sweep', 'costs.recost', 'sweep'] as const satisfies readonly JobName[];
