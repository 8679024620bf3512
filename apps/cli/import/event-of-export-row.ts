import type { UsageEvent } from '@tare/client';
import { assignConstants, type ColumnMapping } from './column-mapping.ts';
import type { CustomerChoice } from './customer-choice.ts';
import type { ExportFormat, ExportOptions } from './export-format.ts';
import type { EventOfRow } from './import-file.ts';

/** How the rows of an export become events: what the row says, then its customer, then what `--set` says of every row. */
export function eventOfExportRow(
  format: ExportFormat,
  options: ExportOptions,
  customers: CustomerChoice,
  mapping: ColumnMapping,
): EventOfRow {
  return (row) => {
    const event = format.eventOf(row, options);
    if (event === null) return null;
    const customer = customers.customerOf(row);
    const { user, ...rest } = event;
    // An end user who is the customer is not named twice.
    const named = { ...rest, customer, ...(user === undefined || user === customer ? {} : { user }) };
    return assignConstants(named, mapping) as unknown as UsageEvent;
  };
}
