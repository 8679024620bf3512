import { CodedError } from '@tare/core';

/** What invoices say of the tenant, each null until it is set. */
export interface Seller {
  /** Null: the tenant's name. */
  readonly name: string | null;
  /** Lines divided by a line feed. */
  readonly address: string | null;
  readonly taxId: string | null;
  /** Where customers ask about an invoice. */
  readonly email: string | null;
  /** Stands at the end of an invoice: terms, bank account. Lines divided by a line feed. */
  readonly note: string | null;
}

/** What is absent stays; null or an empty text takes a field away. */
export type SellerInput = { readonly [Field in keyof Seller]?: string | null | undefined };

export interface SellerRow {
  readonly seller_name: string | null;
  readonly seller_address: string | null;
  readonly seller_tax_id: string | null;
  readonly seller_email: string | null;
  readonly seller_note: string | null;
}

export const SELLER_COLUMNS = 'seller_name, seller_address, seller_tax_id, seller_email, seller_note';

export function sellerOfRow(row: SellerRow): Seller {
  return { name: row.seller_name, address: row.seller_address, taxId: row.seller_tax_id, email: row.seller_email, note: row.seller_note };
}

/** How many lines of how many characters a field has at the most: what the head and the foot of a page have room for. */
const ROOM = {
  name: { lines: 1, characters: 200 },
  address: { lines: 8, characters: 200 },
  taxId: { lines: 1, characters: 100 },
  email: { lines: 1, characters: 320 },
  note: { lines: 20, characters: 500 },
} as const satisfies Record<keyof Seller, { lines: number; characters: number }>;

const EMAIL = /^[^\s@]+@[^\s@]+$/;
/** Control characters, and the two code points that are no characters: no page shows them. */
const UNSHOWN = /[\p{Cc}\p{Cs}\uFFFE\uFFFF]/u;

/** @throws CodedError FIELD_TOO_LONG | INVALID_CHARACTER | INVALID_EMAIL */
export function changedSeller(before: Seller, input: SellerInput | null | undefined): Seller {
  const changed = (field: keyof Seller): string | null => {
    const text = input?.[field];
    return text === undefined ? before[field] : textOf(text, field);
  };
  const seller = {
    name: changed('name'),
    address: changed('address'),
    taxId: changed('taxId'),
    email: changed('email'),
    note: changed('note'),
  };
  if (seller.email !== null && !EMAIL.test(seller.email))
    throw new CodedError('INVALID_EMAIL', 'An address is written like billing@example.com.', 'seller.email');
  return seller;
}

/** Its lines without the space around them; null where nothing is left. */
function textOf(text: string | null, field: keyof Seller): string | null {
  const lines = (text ?? '').split(/\r\n|\r|\n/).map((line) => line.trim());
  const trimmed = lines.join('\n').trim();
  if (trimmed === '') return null;
  const { lines: mostLines, characters } = ROOM[field];
  const path = `seller.${field}`;
  const kept = trimmed.split('\n');
  if (mostLines === 1 && kept.length > 1) throw new CodedError('INVALID_CHARACTER', 'One line is expected here.', path);
  if (kept.length > mostLines || kept.some((line) => line.length > characters))
    throw new CodedError('FIELD_TOO_LONG', `At most ${mostLines} line(s) of ${characters} characters are expected here.`, path);
  if (kept.some((line) => UNSHOWN.test(line)))
    throw new CodedError('INVALID_CHARACTER', 'The text has characters that no page shows.', path);
  return trimmed;
}
