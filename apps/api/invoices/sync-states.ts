import { registerEnumType } from '@nestjs/graphql';

export const SyncStates = { NOT_SYNCED: 'NOT_SYNCED', SYNCING: 'SYNCING', SYNCED: 'SYNCED', FAILED: 'FAILED' } as const;
registerEnumType(SyncStates, {
  name: 'InvoiceSyncState',
  description: 'How far an invoice or a credit note has come on its way to Stripe.',
});
