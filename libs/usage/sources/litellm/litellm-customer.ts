import { CodedError, propertyAt, type WireObject } from '@tare/core';

/** Where LiteLLM says who used it, the nearest to a customer first. */
export const CUSTOMER_PATHS: readonly string[] = [
  'end_user',
  'metadata.user_api_key_end_user_id',
  'metadata.user_api_key_user_id',
  'metadata.user_api_key_team_id',
  'metadata.user_api_key_org_id',
];
const END_USER_PATHS = ['end_user', 'metadata.user_api_key_end_user_id', 'metadata.user_api_key_user_id'];

export interface LitellmUsers {
  readonly customer: string;
  /** The end user inside the customer, where LiteLLM names somebody else beside it. */
  readonly user: string | null;
}

/** @throws CodedError FIELD_MISSING */
export function litellmUsers(payload: WireObject, paths: readonly string[]): LitellmUsers {
  const customer = firstAt(payload, paths);
  if (customer === null) {
    throw new CodedError('FIELD_MISSING', `Who used it? None of these names a customer: ${paths.join(', ')}.`, 'customer');
  }
  const user = firstAt(payload, END_USER_PATHS);
  return { customer, user: user === customer ? null : user };
}

function firstAt(payload: WireObject, paths: readonly string[]): string | null {
  for (const path of paths) {
    const value = propertyAt(payload, path);
    if (typeof value === 'string' && value !== '') return value;
    if (Number.isSafeInteger(value)) return String(value);
  }
  return null;
}
