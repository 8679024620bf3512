import { CodedError } from '../coded-error.ts';
import { parseBounds } from './parse-amounts.ts';
import type { ParseAmounts } from './parse-amounts.ts';
import { fieldPath, requireTextProperty } from './parse-fields.ts';
import type { FieldPath } from './parse-fields.ts';
import type { PriceInput } from './plan-input.ts';
import { requireGroupFields } from './price-fields.ts';
import type { PriceGroup } from './price.ts';

/** Hundreds of models or regions; more would be a price book of its own. */
const MOST_GROUPS = 500;
const MOST_VALUES = 500;

/**
 * Reads the groups of a usage price: no value is in two of them. @throws CodedError INVALID_GROUP | TOO_MANY, those of `requireGroupFields` and of the
 * amounts
 */
export function parseGroups<Amounts>(
  input: PriceInput,
  at: FieldPath,
  parseAmounts: ParseAmounts<Amounts>,
): { groupBy: string | null; groups: PriceGroup<Amounts>[] } {
  const inputs = input.groups ?? [];
  if (inputs.length > MOST_GROUPS) throw new CodedError('TOO_MANY', `At most ${MOST_GROUPS} groups are allowed here.`, at('groups'));
  const taken = new Set<string>();
  const groups = inputs.map((group, index) => {
    const inside = fieldPath(`${at('groups')}[${index}]`);
    requireGroupFields(input.model, group, inside);
    return { in: parseValues(group.in, inside, taken), ...parseBounds(group, inside), ...parseAmounts(group, inside) };
  });
  const groupBy = groups.length === 0 ? null : requireTextProperty(input.groupBy ?? '', 'INVALID_GROUP', at('groupBy'));
  return { groupBy, groups };
}

/** `taken`: values of the groups before; those of this one are added. */
function parseValues(values: readonly string[], at: FieldPath, taken: Set<string>): string[] {
  if (values.length === 0) throw new CodedError('INVALID_GROUP', 'A group has at least one value, else nothing is in it.', at('in'));
  if (values.length > MOST_VALUES) throw new CodedError('TOO_MANY', `At most ${MOST_VALUES} values are allowed here.`, at('in'));
  for (const [index, value] of values.entries()) {
    if (taken.has(value)) throw new CodedError('INVALID_GROUP', 'A value is in one group only, and once.', `${at('in')}[${index}]`);
    taken.add(value);
  }
  return [...values];
}
