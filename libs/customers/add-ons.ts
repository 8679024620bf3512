import type { PlanVersion } from '@tare/catalog';
import { CodedError, requireAllowedForKind } from '@tare/core';
import type { AttachedAddOn } from '@tare/core';

/** AddOnInput of the API. */
export interface AddOnInput {
  /** Key of the add-on's plan; its newest version is taken, unless the subscription has it already. */
  readonly addOn: string;
  /** How often it counts; none: once. */
  readonly quantity?: number | null | undefined;
}

const MOST_ADD_ONS = 50;
const MOST_OF_ONE = 1_000_000;

/**
 * Reads the add-ons of a subscription. Those that it has already keep their version and their place.
 * @throws CodedError TOO_MANY | DUPLICATE_ADD_ON | INVALID_COUNT, and those of requirePlan
 */
export async function attachedAddOns(
  inputs: readonly AddOnInput[],
  before: readonly AttachedAddOn[],
  requirePlan: (key: string, path: string) => Promise<PlanVersion>,
): Promise<AttachedAddOn[]> {
  if (inputs.length > MOST_ADD_ONS) throw new CodedError('TOO_MANY', `At most ${MOST_ADD_ONS} add-ons are allowed.`, 'addOns');
  const attached: AttachedAddOn[] = [];
  for (const [index, { addOn, quantity }] of inputs.entries()) {
    const path = `addOns[${index}]`;
    if (attached.some(({ planKey }) => planKey === addOn))
      throw new CodedError('DUPLICATE_ADD_ON', 'Each add-on is listed once, with its quantity.', `${path}.addOn`);
    const planVersionId =
      before.find(({ planKey }) => planKey === addOn)?.planVersionId ?? (await requirePlan(addOn, `${path}.addOn`)).versionId;
    attached.push({ planKey: addOn, planVersionId, quantity: requireQuantity(quantity ?? 1, `${path}.quantity`) });
  }
  const order = (key: string): number => (before.findIndex(({ planKey }) => planKey === key) + before.length + 1) % (before.length + 1);
  return attached.sort((a, b) => order(a.planKey) - order(b.planKey));
}

/** An add-on is billed with the plan: in its currency and on its calendar, and with charges that its kind allows. @throws CodedError NOT_AN_ADD_ON | ADD_ON_MISMATCH | PRICE_NOT_ALLOWED_FOR_KIND */
export function requireAttachable(addOns: readonly PlanVersion[], { planKey, terms: plan }: PlanVersion): void {
  for (const { planKey: addOn, terms } of addOns) {
    if (!terms.addOn) throw new CodedError('NOT_AN_ADD_ON', `The plan "${addOn}" is not an add-on: subscribe to it by itself.`, 'addOns');
    const field = (['currency', 'interval', 'intervalCount'] as const).find((name) => terms[name] !== plan[name]);
    if (field !== undefined) {
      const why = `The add-on "${addOn}" has ${field} ${terms[field]}, the plan "${planKey}" ${plan[field]}: they are billed together.`;
      throw new CodedError('ADD_ON_MISMATCH', why, 'addOns');
    }
    for (const price of terms.prices) requireAllowedForKind(price, plan, 'addOns');
  }
}

function requireQuantity(quantity: number, path: string): number {
  if (Number.isInteger(quantity) && quantity >= 1 && quantity <= MOST_OF_ONE) return quantity;
  throw new CodedError('INVALID_COUNT', `It is a whole number from 1 to ${MOST_OF_ONE}.`, path);
}
