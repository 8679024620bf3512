import { Decimal } from '../money/index.ts';
import { parseInstant } from '../time/index.ts';
import { burnCredits } from './burn-credits.ts';
import { availableAt } from './usable-credits.ts';
import { readCreditExamples, type CreditExample, type ExampleGrant } from './credit-examples.fixture.ts';
import { DECIDED_DIFFERENTLY, TOLD_BY_A_PLAN } from './examples-decided-differently.ts';
import type { Grant } from './grant.ts';

const found = readCreditExamples();
const isThere = found !== null;
const EXAMPLES = found ?? [];

function grantOf(example: ExampleGrant): Grant {
  const effectiveAt = parseInstant(example.effective_at);
  return {
    id: example.id,
    credits: Decimal.parse(example.amount),
    remaining: Decimal.parse(example.amount),
    costBasis: null,
    priority: example.priority,
    effectiveAt,
    expiresAt: example.expires_at === null ? null : parseInstant(example.expires_at),
    promotional: example.origin === 'granted',
    createdAt: example.created_at === undefined ? effectiveAt : parseInstant(example.created_at),
  };
}

/** Whether every expectation of the case holds; false also where the case needs what is not there. */
function holds(example: CreditExample): boolean {
  const isExpressible = example.model !== 'rollover' && example.model !== 'invoice_lines' && (example.resets ?? []).length === 0;
  if (!isExpressible || example.grants.some((grant) => grant.rollover !== undefined || grant.recurrence !== undefined)) return false;
  return example.expected.every((expected) => {
    const now = parseInstant(expected.at);
    const grants = example.grants.map(grantOf);
    const demands = example.usage
      .map(({ at, amount }) => ({ at: parseInstant(at), credits: Decimal.parse(amount) }))
      .filter(({ at }) => at < now);
    const { remaining, uncovered } = burnCredits(grants, demands);
    const left = grants.map((grant) => ({ ...grant, remaining: remaining.get(grant.id) ?? Decimal.ZERO }));
    const balances = Object.fromEntries(left.map((grant) => [grant.id, availableAt([grant], now).toString()]));
    const overage = Decimal.sum(uncovered.map(({ credits }) => credits)).toString();
    return (
      JSON.stringify(Object.entries(balances).sort()) === JSON.stringify(Object.entries(expected.balances ?? {}).sort()) &&
      availableAt(left, now).toString() === expected.total &&
      overage === (expected.overage ?? '0')
    );
  });
}

(isThere ? describe : describe.skip)('credit examples of other systems', () => {
  test('the list of cases decided differently names cases that exist', () => {
    const listed = [...Object.keys(DECIDED_DIFFERENTLY), ...TOLD_BY_A_PLAN];
    expect(listed.filter((id) => !EXAMPLES.some((example) => example.id === id))).toEqual([]);
  });

  test('there are cases, and most of what can be expressed agrees', () => {
    expect(EXAMPLES.length - Object.keys(DECIDED_DIFFERENTLY).length - TOLD_BY_A_PLAN.size).toBeGreaterThanOrEqual(10);
  });

  test.each(EXAMPLES.map((example) => [example.id, example] as const))('%s agrees, or is listed with its reason', (id, example) => {
    expect(holds(example)).toBe(DECIDED_DIFFERENTLY[id] === undefined && !TOLD_BY_A_PLAN.has(id));
  });
});

if (!isThere) test.skip('the shared examples are not beside this repository', () => undefined);
