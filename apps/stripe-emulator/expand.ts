import { type Call, type Json } from './call.ts';
import { type Params } from './params.ts';
import { invalidParameter } from './stripe-error.ts';

/** The properties that the caller wants in full; one that can't be expanded here is refused. */
export function readExpand(params: Params, expandable: readonly string[]): Set<string> {
  const wanted = params.texts('expand') ?? [];
  for (const property of wanted) {
    if (!expandable.includes(property)) throw invalidParameter('expand', `This property cannot be expanded (${property}).`);
  }
  return new Set(wanted);
}

export function expandCustomer(call: Call, object: { customer: string }): Json {
  return { ...object, customer: call.tx.get('customers', object.customer) ?? object.customer };
}
