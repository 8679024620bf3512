import type { BillingDocument, DocumentLine } from './document.ts';

const line = (no: number, steps: DocumentLine['steps'] = []): DocumentLine => ({
  description: `Team plan: tokens of model ${no}`,
  remarks: ['1 Jan 2026 – 31 Jan 2026'],
  quantity: '1,234,567',
  unitPrice: steps.length === 0 ? '0.0000028' : '',
  amount: '1,234.50',
  steps,
});

/** A document for specs: as many lines as asked for. */
export function sampleDocument(lines: number, more: Partial<BillingDocument> = {}): BillingDocument {
  return {
    title: 'Invoice',
    number: 'TARE-000042',
    mark: null,
    currency: 'USD',
    seller: {
      name: 'Modelhaus GmbH',
      lines: ['Königstraße 12', '10115 Berlin', 'Germany', 'Tax ID: DE123456789', 'billing@modelhaus.test'],
    },
    buyer: { name: 'François & Sønner S.à r.l.', lines: ['5, rue d’Église', '1234 Luxembourg', 'Tax ID: LU12345678'] },
    buyerLabel: 'Bill to',
    facts: [
      { label: 'Invoice number', text: 'TARE-000042' },
      { label: 'Date of issue', text: '1 Feb 2026' },
      { label: 'Billing period', text: '1 Jan 2026 – 31 Jan 2026' },
    ],
    lines: Array.from({ length: lines }, (_, index) => line(index + 1)),
    totals: [
      { label: 'Subtotal', amount: '1,234.50', isStrong: false },
      { label: 'Total', amount: '1,234.50', isStrong: true },
    ],
    notes: ['Please pay within 14 days to DE02 1203 0000 0000 2020 51.'],
    changedAtMs: Date.UTC(2026, 1, 1),
    ...more,
  };
}
