import { stringify } from 'csv-stringify/sync';

/** A field of a row: a text that somebody else wrote, or one of ours (a number, a time, a code) that stays as it is. */
export type CsvCell = { readonly text: string | null } | string;

/** Quoted also where it is but half of the end of a row. */
const LINE_END = /[\r\n]/;
/** What a spreadsheet takes for the beginning of a formula, its full-width forms included. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;

/**
 * Rows as CSV (RFC 4180: commas, CRLF, quotes where needed). A text that a spreadsheet would compute is kept from it by an apostrophe in front, as the
 * spreadsheets' own convention has it; numbers of ours, also those below zero, are left alone.
 */
export function csvText(rows: readonly (readonly CsvCell[])[]): string {
  const fields = rows.map((row) => row.map((cell) => (typeof cell === 'string' ? cell : guarded(cell.text ?? ''))));
  return stringify(fields, { record_delimiter: 'windows', quoted_match: LINE_END });
}

function guarded(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text;
}
