import { existsSync, readFileSync } from 'node:fs';

export interface ExampleGrant {
  readonly id: string;
  readonly amount: string;
  readonly priority: number;
  readonly effective_at: string;
  readonly expires_at: string | null;
  readonly created_at?: string;
  readonly origin?: string;
  readonly cost_basis?: string;
  readonly rollover?: { readonly max?: string | null; readonly max_percentage?: string | null };
  readonly recurrence?: { readonly interval: string };
}

/** What other billing systems' tests and docs expect of a wallet: one of the shared examples. */
export interface CreditExample {
  readonly id: string;
  readonly model: string;
  readonly start?: string;
  readonly grants: readonly ExampleGrant[];
  readonly resets?: readonly { readonly at: string }[];
  readonly usage: readonly { readonly at: string; readonly amount: string }[];
  readonly expected: readonly {
    readonly at: string;
    readonly balances?: Readonly<Record<string, string>>;
    readonly total: string;
    readonly overage?: string;
  }[];
}

const FILE = '../shared/data/examples/credits.json';

/** The cases; null where the file is not beside this repository. */
export const readCreditExamples = (): CreditExample[] | null =>
  existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as CreditExample[]) : null;
