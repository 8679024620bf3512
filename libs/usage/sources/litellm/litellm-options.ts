import { CodedError } from '@tare/core';
import { CUSTOMER_PATHS } from './litellm-customer.ts';

/** How a tenant wants LiteLLM's payloads read: the query of the address that it gives to LiteLLM. */
export interface LitellmOptions {
  /** Paths in the payload; the first that names somebody names the customer. */
  readonly customerPaths: readonly string[];
  /** Whether `response_cost` is the cost of the event; else the cost book says it. */
  readonly isCostReported: boolean;
}

const MAX_PATHS = 8;
const PATH = /^[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64}){0,7}$/;

/**
 * Reads `?customer=metadata.user_api_key_team_id,end_user&cost=reported`.
 * @throws CodedError INVALID_PARAMETER
 */
export function litellmOptions(query: Readonly<Record<string, unknown>>): LitellmOptions {
  for (const name in query) {
    if (name !== 'customer' && name !== 'cost') throw invalid(name, 'There are the parameters customer and cost.');
  }
  return { customerPaths: customerPaths(query.customer), isCostReported: isCostReported(query.cost) };
}

function customerPaths(value: unknown): readonly string[] {
  if (value === undefined) return CUSTOMER_PATHS;
  const paths = typeof value === 'string' ? value.split(',') : [];
  if (paths.length === 0 || paths.length > MAX_PATHS || !paths.every((path) => PATH.test(path))) {
    throw invalid('customer', `Up to ${MAX_PATHS} paths are expected, such as metadata.user_api_key_team_id,end_user.`);
  }
  return paths;
}

function isCostReported(value: unknown): boolean {
  if (value === undefined || value === 'book') return false;
  if (value === 'reported') return true;
  throw invalid('cost', 'The cost is "reported" (by LiteLLM) or from the "book" of rates.');
}

const invalid = (name: string, message: string): CodedError => new CodedError('INVALID_PARAMETER', message, name.slice(0, 64));
