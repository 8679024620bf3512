import { assembleInvoice } from '../../libs/core/index.ts';
import type { AssembledInvoice } from '../../libs/core/index.ts';
import { bill } from './bill-oracle.ts';
import type { BillCase } from './bill-case.ts';
import { factsOfCase } from './facts-of-case.ts';
import { Fraction } from './fraction.ts';
import { generateBillCase } from './generate-bill-case.ts';
import { Seeded } from './seeded.ts';

/** Set TARE_ORACLE_SEED to try other cases; a failure names its own seed, and `TARE_ORACLE_CASES=1` with that seed repeats it alone. */
const FIRST_SEED = Number(process.env['TARE_ORACLE_SEED'] ?? '1');
const share = (cases: number): number => Number(process.env['TARE_ORACLE_CASES'] ?? cases);

const BILLS = 60_000;

test(`the product and an independent oracle in fractions make the same bill, in ${BILLS} cases`, () => {
  forEachSeed(share(BILLS), (seed) => {
    const facts = generateBillCase(new Seeded(seed));
    compare(seed, facts, shownOfProduct(assembleInvoice(factsOfCase(facts))), shownOfOracle(facts));
  });
});

function forEachSeed(cases: number, check: (seed: number) => void): void {
  for (let index = 0; index < cases; index += 1) check(FIRST_SEED + index);
}

function shownOfOracle(facts: BillCase): string[] {
  const lines = bill(facts);
  const total = Fraction.sum(lines.map(({ amount, discount }) => amount.minus(discount)));
  return [
    ...lines
      .filter(({ amount }) => !amount.isZero)
      .map(({ name, exact, amount, discount }) => `${name}: ${exact.toString()} = ${amount.toString()} - ${discount.toString()}`),
    `total ${total.toString()}`,
  ];
}

function shownOfProduct({ lines, taxBase }: AssembledInvoice): string[] {
  return [
    ...lines
      .filter(({ amount }) => !amount.isZero())
      .map(
        ({ kind, priceKey, exactAmount, amount, discount }) =>
          `${kind} ${priceKey ?? '-'} -: ${exactAmount.toString()} = ${amount.toString()} - ${discount.toString()}`,
      ),
    `total ${taxBase.toString()}`,
  ];
}

/** Cheaper than an assertion for each of many cases; says everything when one fails. */
function compare(seed: number, facts: unknown, product: readonly string[], oracle: readonly string[]): void {
  if (product.join('\n') === oracle.join('\n')) return;
  expect({ seed, facts, product }).toEqual({ seed, facts, product: oracle });
}
