import { existsSync, readFileSync } from 'node:fs';

/** What other billing systems' tests and docs expect of parts of a period: one of the shared examples. Amounts are in the currency, or in cents where the name says so. */
export interface ProrationExample {
  readonly id: string;
  readonly method: string;
  readonly currency: string;
  readonly period: { readonly start: string; readonly end: string } | null;
  readonly change_at: string | null;
  readonly params: Readonly<Record<string, string | number | boolean>>;
  readonly expected: Readonly<Record<string, string | readonly string[]>>;
}

const FILE = '../shared/data/examples/proration.json';

/** The cases; null where the file is not beside this repository. */
export const readProrationExamples = (): ProrationExample[] | null =>
  existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as ProrationExample[]) : null;
