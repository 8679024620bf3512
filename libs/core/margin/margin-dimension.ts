/** What a margin report can be grouped by: MarginDimension of the contract. */
export const MARGIN_DIMENSIONS = [
  'CUSTOMER',
  'USER',
  'SUBSCRIPTION',
  'PLAN',
  'PLAN_KIND',
  'MODEL',
  'PROVIDER',
  'REGION',
  'POOL',
  'DEPLOYMENT',
  'TOKEN_KIND',
  'FEATURE',
  'TRACE',
  'EVENT_TYPE',
  'DAY',
  'MONTH',
] as const;
export type MarginDimension = (typeof MARGIN_DIMENSIONS)[number];

/** Where revenue and shared cost stand that no usage earned or caused (SEMANTICS 10.4). */
export const NOT_USAGE = '(not usage)';
/** Where usage stands that has no subscription to belong to (SEMANTICS 3.6). */
export const NO_PLAN = '(no plan)';
/** An event that does not name the dimension. */
export const NONE = '(none)';

/** Whether only single events know the dimension: sums do not keep it apart. */
export function isEventDimension(dimension: MarginDimension): boolean {
  return dimension === 'USER' || dimension === 'TRACE';
}
