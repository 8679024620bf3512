import type { InvoiceKind, InvoiceStatus, InvoiceSyncState } from './invoices-query.ts';

const STATUSES: Readonly<Record<InvoiceStatus, readonly [string, string]>> = {
  DRAFT: ['Draft', 'plain'],
  FINALIZED: ['Finalized', 'info'],
  PAID: ['Paid', 'good'],
  VOID: ['Void', 'plain'],
  UNCOLLECTIBLE: ['Uncollectible', 'bad'],
};

const SYNCS: Readonly<Record<InvoiceSyncState, readonly [string, string]>> = {
  NOT_SYNCED: ['Not in Stripe', 'plain'],
  SYNCING: ['On its way', 'info'],
  SYNCED: ['In Stripe', 'good'],
  FAILED: ['Sync failed', 'bad'],
};

const KINDS: Readonly<Record<InvoiceKind, string>> = {
  REGULAR: 'Regular',
  PRORATION: 'Proration',
  THRESHOLD: 'Threshold',
  PREPAID: 'Prepaid',
  SUPPLEMENTARY: 'Supplementary',
};

export const statusName = (status: InvoiceStatus): string => STATUSES[status][0];
export const kindName = (kind: InvoiceKind): string => KINDS[kind];

export function StatusBadge({ status }: { readonly status: InvoiceStatus }) {
  const [name, tone] = STATUSES[status];
  return <span className={`badge tone-${tone}`}>{name}</span>;
}

export function SyncBadge({ sync }: { readonly sync: InvoiceSyncState }) {
  const [name, tone] = SYNCS[sync];
  return <span className={`dot-label tone-${tone}`}>{name}</span>;
}
