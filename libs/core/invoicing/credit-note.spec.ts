import fc from 'fast-check';
import { CodedError } from '../coded-error.ts';
import { Decimal } from '../money/index.ts';
import { assembleCreditNote } from './credit-note.ts';
import type { AssembledCreditNote, CreditableInvoice, CreditRequest } from './credit-note.ts';

const d = (text: string): Decimal => Decimal.parse(text);

interface Story {
  readonly lines: readonly string[];
  readonly taxes?: readonly string[];
  readonly due?: string;
}

/** An invoice of lines `l0`, `l1`, ... of 10 units each, with taxes `t0`, `t1`, ... */
function invoiceOf({ lines, taxes = [], due = '0' }: Story): CreditableInvoice {
  const left = Decimal.sum(lines.map(d));
  return {
    currency: 'USD',
    lines: lines.map((amount, index) => ({
      ...{ id: `l${index}`, description: `line ${index}`, quantity: Decimal.of(10), left: d(amount) },
      ...{ quantityLeft: Decimal.of(10), isTaxed: true },
    })),
    left,
    taxedLeft: left,
    taxes: taxes.map((amount, index) => ({ name: `t${index}`, left: d(amount) })),
    due: d(due),
  };
}

/** The invoice after the credit note. */
function after(invoice: CreditableInvoice, note: AssembledCreditNote): CreditableInvoice {
  return {
    ...invoice,
    lines: invoice.lines.map((line) => {
      const credited = note.lines.find(({ lineId }) => lineId === line.id);
      return { ...line, left: line.left.minus(credited?.amount ?? Decimal.ZERO) };
    }),
    left: invoice.left.minus(note.subtotal),
    taxedLeft: invoice.taxedLeft.minus(note.subtotal),
    taxes: invoice.taxes.map(({ name, left }) => ({
      name,
      left: left.minus(note.taxes.find((tax) => tax.name === name)?.amount ?? Decimal.ZERO),
    })),
    due: invoice.due.minus(note.offInvoice),
  };
}

const byAmount = (amount: string): CreditRequest => ({ kind: 'AMOUNT', amount: d(amount) });
const ofLine = (line: string, amount: string | null, quantity: string | null = null): CreditRequest => ({
  kind: 'LINES',
  lines: [{ line, amount: amount === null ? null : d(amount), quantity: quantity === null ? null : d(quantity) }],
});
const shown = ({ lines, taxes, total }: AssembledCreditNote): string =>
  [
    ...lines.map(({ lineId, amount }) => `${lineId} ${amount.toString()}`),
    ...taxes.map(({ name, amount }) => `${name} ${amount.toString()}`),
    total,
  ].join(', ');

const codeOf = (work: () => unknown): string | null => {
  try {
    work();
    return null;
  } catch (error) {
    return error instanceof CodedError ? error.code : 'other';
  }
};

describe('a credit note', () => {
  test('8.2 takes back a part of a line, and of its taxes in proportion', () => {
    expect(shown(assembleCreditNote(invoiceOf({ lines: ['100', '50'], taxes: ['7.5', '14.96'] }), ofLine('l0', '50')))).toBe(
      'l0 50, t0 2.5, t1 4.99, 57.49',
    );
  });

  test('8.2 takes back a quantity at what is left of the line', () => {
    const invoice = invoiceOf({ lines: ['100'] });
    const first = assembleCreditNote(invoice, ofLine('l0', null, '3'));
    expect(shown(first)).toBe('l0 30, 30');
    expect(codeOf(() => assembleCreditNote(invoice, ofLine('l0', null, '11')))).toBe('CREDIT_EXCEEDS_LINE');
  });

  test('8.2 of a whole amount splits it over what is left before tax and of each tax, to the cent', () => {
    expect(shown(assembleCreditNote(invoiceOf({ lines: ['66.67', '33.33'], taxes: ['19'] }), byAmount('10')))).toBe(
      'l0 5.6, l1 2.8, t0 1.6, 10',
    );
  });

  test('8.2 first lowers what is owed, and only what was paid is settled', () => {
    const note = assembleCreditNote(invoiceOf({ lines: ['100'], due: '30' }), byAmount('45'));
    expect([note.offInvoice, note.settled].map(String)).toEqual(['30', '15']);
  });

  test('8.2 never takes back more than is left of a line or of the invoice', () => {
    const invoice = invoiceOf({ lines: ['100', '-40'], taxes: ['6'] });
    expect(codeOf(() => assembleCreditNote(invoice, ofLine('l0', '100.01')))).toBe('CREDIT_EXCEEDS_LINE');
    expect(codeOf(() => assembleCreditNote(invoice, ofLine('l0', '60.01')))).toBe('CREDIT_EXCEEDS_INVOICE');
    expect(codeOf(() => assembleCreditNote(invoice, ofLine('l1', '1')))).toBe('CREDIT_EXCEEDS_LINE');
    expect(codeOf(() => assembleCreditNote(invoice, byAmount('66.01')))).toBe('CREDIT_EXCEEDS_INVOICE');
    expect(shown(assembleCreditNote(invoice, byAmount('66')))).toBe('l0 60, t0 6, 66');
  });

  test('is refused for what cannot be paid, and for lines that are unclear', () => {
    const invoice = invoiceOf({ lines: ['100'] });
    expect(codeOf(() => assembleCreditNote(invoice, byAmount('0')))).toBe('AMOUNT_NOT_POSITIVE');
    expect(codeOf(() => assembleCreditNote(invoice, byAmount('0.001')))).toBe('NOT_A_MULTIPLE');
    expect(codeOf(() => assembleCreditNote(invoice, ofLine('l0', '1', '1')))).toBe('AMOUNT_OR_QUANTITY');
    expect(codeOf(() => assembleCreditNote(invoice, ofLine('l9', '1')))).toBe('NOT_FOUND');
    expect(codeOf(() => assembleCreditNote(invoice, { kind: 'LINES', lines: [] }))).toBe('NOTHING_TO_CREDIT');
    const twice = ofLine('l0', '1');
    const lines = twice.kind === 'LINES' ? [...twice.lines, ...twice.lines] : [];
    expect(codeOf(() => assembleCreditNote(invoice, { kind: 'LINES', lines }))).toBe('DUPLICATE_LINE');
  });

  test('8.2 in whatever steps an invoice is credited, in the end exactly what was billed is back, of every line and tax', () => {
    const cents = (max: number): fc.Arbitrary<string> =>
      fc.integer({ min: 0, max }).map((units) => Decimal.fromUnits(BigInt(units), 2).toString());
    const story = fc.record({
      lines: fc.array(cents(100_000), { minLength: 1, maxLength: 5 }),
      taxes: fc.array(cents(20_000), { maxLength: 3 }),
      steps: fc.array(fc.record({ line: fc.nat(4), share: fc.integer({ min: 1, max: 100 }), whole: fc.boolean() }), { maxLength: 6 }),
    });
    fc.assert(
      fc.property(story, ({ lines, taxes, steps }) => {
        let invoice = invoiceOf({ lines, taxes });
        const grossOf = ({ left, taxes: own }: CreditableInvoice): Decimal => left.plus(Decimal.sum(own.map((tax) => tax.left)));
        const gross = grossOf(invoice);
        fc.pre(invoice.left.isPositive());
        let back = Decimal.ZERO;
        const credit = (request: CreditRequest): void => {
          const note = assembleCreditNote(invoice, request);
          invoice = after(invoice, note);
          back = back.plus(note.total);
          expect([...invoice.lines, ...invoice.taxes].some(({ left }) => left.isNegative())).toBe(false);
        };
        for (const { line, share, whole } of steps) {
          const wanted = whole ? grossOf(invoice) : (invoice.lines[line]?.left ?? Decimal.ZERO);
          const part = wanted.times(Decimal.of(share)).dividedBy(Decimal.of(100), 2);
          if (!part.isPositive() || part.compare(wanted) > 0) continue;
          credit(whole ? byAmount(part.toString()) : ofLine(`l${line}`, part.toString()));
        }
        const rest = grossOf(invoice);
        if (rest.isPositive()) credit(byAmount(rest.toString()));
        expect(back.toString()).toBe(gross.toString());
        expect([...invoice.lines, ...invoice.taxes].every(({ left }) => left.isZero())).toBe(true);
      }),
    );
  });
});
