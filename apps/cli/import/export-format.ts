import type { UsageEvent } from '@tare/client';
import type { Row } from './column-mapping.ts';

/** What of a row's event comes from its source; who the customer is and what `--set` says is added by `eventOfExportRow`. */
export type ExportedEvent = Omit<UsageEvent, 'customer'> & { readonly customer?: string };

export interface ExportOptions {
  /** Whether what the source says it cost becomes the event's `reportedCost`. */
  readonly isCostReported: boolean;
}

/** A source that exports its own log of usage, and how its rows are read. */
export interface ExportFormat {
  /** What may name the customer, and the fields of a row that say it, best first: `project` -> `project_id`. */
  readonly customerFields: ReadonlyMap<string, readonly string[]>;
  /** Tried in this order where the command names none; none: the command has to. */
  readonly defaultCustomerBy: readonly string[];
  /** The rows of one document of the file: a page of an API, or a single row. Nested pages and buckets are taken apart. */
  rowsOf(document: Row): readonly Row[];
  /**
   * The event that a row stands for; null: a row without any usage, as an empty bucket.
   * @throws CodedError what is wrong with the row; it is rejected alone
   */
  eventOf(row: Row, options: ExportOptions): ExportedEvent | null;
}
