import { formatInstant, TOKEN_POOLS } from '@tare/core';
import type { LineEvent } from '../explain/explain-line-events.ts';
import type { InvoiceLine, InvoiceWithLines } from '../invoices/invoice.ts';
import { csvText, type CsvCell } from './csv-cells.ts';

const COLUMNS = [
  'invoice',
  'line',
  'price',
  'event',
  'at',
  'state',
  'billed_quantity',
  'billed_member',
  'type',
  'provider',
  'model',
  'service_tier',
  'region',
  'pool',
  'feature',
  'outcome',
  'user',
  'trace_id',
  ...TOKEN_POOLS.map((pool) => pool.replace(/[A-Z0-9]+/g, (part) => `_${part.toLowerCase()}`)),
  'quantity',
  'gpu_seconds',
  'properties',
];

/** The events behind an invoice's lines, a row each, in pieces of CSV as they are read: a million of them are never in memory together. */
export async function* usageCsv(
  invoice: InvoiceWithLines,
  eventsOf: (line: InvoiceLine) => AsyncIterable<readonly LineEvent[]>,
): AsyncGenerator<string> {
  yield csvText([COLUMNS]);
  for (const line of invoice.lines) {
    for await (const events of eventsOf(line)) yield csvText(events.map((event) => rowOf(event, line, invoice)));
  }
}

function rowOf({ event, state, quantity, member }: LineEvent, line: InvoiceLine, { number }: InvoiceWithLines): CsvCell[] {
  return [
    { text: number },
    String(line.position + 1),
    { text: line.priceKey },
    { text: event.key },
    formatInstant(event.from),
    state,
    quantity?.toString() ?? '',
    { text: member },
    { text: event.type },
    { text: event.provider },
    { text: event.model },
    { text: event.serviceTier },
    { text: event.region },
    { text: event.pool },
    { text: event.feature },
    event.outcome,
    { text: event.user ?? null },
    { text: event.traceId ?? null },
    ...TOKEN_POOLS.map((pool) => event.tokens[pool].toString()),
    event.quantity.toString(),
    event.gpuSeconds.toString(),
    { text: event.properties ? JSON.stringify(event.properties) : null },
  ];
}
