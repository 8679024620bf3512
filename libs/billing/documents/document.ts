/** What stands on the pages of an invoice or a credit note, as text: everything is decided and written out here, the page only has room for it. */
export interface BillingDocument {
  /** "Invoice". */
  readonly title: string;
  /** "TARE-000001"; null: it has none yet. */
  readonly number: string | null;
  /** Stands across every page: DRAFT or VOID. */
  readonly mark: string | null;
  /** ISO 4217. */
  readonly currency: string;
  readonly seller: DocumentParty;
  readonly buyer: DocumentParty;
  /** Stands above the buyer: "Bill to". */
  readonly buyerLabel: string;
  /** "Date of issue", "1 Feb 2026". */
  readonly facts: readonly DocumentFact[];
  readonly lines: readonly DocumentLine[];
  readonly totals: readonly DocumentTotal[];
  readonly notes: readonly string[];
  /** When it was last changed, for the file: milliseconds since 1970. */
  readonly changedAtMs: number;
}

export interface DocumentParty {
  readonly name: string;
  /** Address, tax number, e-mail. */
  readonly lines: readonly string[];
}

export interface DocumentFact {
  readonly label: string;
  readonly text: string;
}

/** A row of the table. */
export interface DocumentLine {
  readonly description: string;
  /** What it is for: its period, and whatever else belongs under the description. */
  readonly remarks: readonly string[];
  readonly quantity: string;
  readonly unitPrice: string;
  readonly amount: string;
  /** How the amount came about, and what was taken off it. */
  readonly steps: readonly DocumentStep[];
}

export interface DocumentStep {
  readonly description: string;
  readonly quantity: string;
  readonly unitPrice: string;
  readonly amount: string;
}

export interface DocumentTotal {
  readonly label: string;
  readonly amount: string;
  /** The sum that counts. */
  readonly isStrong: boolean;
}
