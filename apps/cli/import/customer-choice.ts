import { readFileSync } from 'node:fs';
import { CodedError } from '@tare/core';
import type { Row } from './column-mapping.ts';
import type { ExportFormat } from './export-format.ts';

/** How the rows of an export get their customers. */
export interface CustomerChoice {
  /** @throws CodedError CUSTOMER_MISSING */
  customerOf(row: Row): string;
}

export interface CustomerOptions {
  /** The customer of every row, or with `customerBy` or `customers` of those that say nothing. */
  readonly customer?: string;
  /** What in a row names the customer: `project`, `api-key`, `workspace`, `end-user`, ... */
  readonly customerBy?: string;
  /** File with lines "id,customer": what a row names, and the customer that it belongs to. */
  readonly customers?: string;
}

/** @throws Error where the options don't fit the format */
export function customerChoice(format: ExportFormat, name: string, options: CustomerOptions): CustomerChoice {
  const by = options.customerBy === undefined ? defaultBy(format, name, options) : [options.customerBy];
  const fields = by.flatMap((one) => fieldsOf(format, name, one));
  const customers = options.customers === undefined ? null : readCustomers(options.customers);
  return {
    customerOf(row) {
      const id = fields.map((field) => textAt(row, field)).find((text) => text !== null) ?? null;
      const customer = (customers === null || id === null ? id : customers.get(id)) ?? options.customer;
      if (customer !== undefined) return customer;
      if (id === null) throw missing(`The row has no ${by.join(', ')}`);
      throw missing(`"${id.slice(0, 64)}" is not in the file of customers`);
    },
  };
}

/** A fixed customer needs no field, unless a file says which ids are somebody else's. */
function defaultBy(format: ExportFormat, name: string, options: CustomerOptions): readonly string[] {
  if (options.customer !== undefined && options.customers === undefined) return [];
  if (format.defaultCustomerBy.length > 0) return format.defaultCustomerBy;
  throw new Error(`whose usage is it? Say --customer KEY or --customer-by ${choices(format)} for ${name}`);
}

function fieldsOf(format: ExportFormat, name: string, by: string): readonly string[] {
  const fields = format.customerFields.get(by);
  if (fields === undefined) throw new Error(`--customer-by ${by}: rows of ${name} have ${choices(format)}`);
  return fields;
}

const choices = (format: ExportFormat): string => [...format.customerFields.keys()].join(' | ');

function readCustomers(file: string): ReadonlyMap<string, string> {
  const lines = readFileSync(file, 'utf8').split(/\r?\n/);
  const customers = new Map(
    lines.flatMap((line) => {
      const comma = line.indexOf(',');
      const [id, customer] = [line.slice(0, Math.max(comma, 0)).trim(), line.slice(comma + 1).trim()];
      return comma < 1 || customer === '' ? [] : [[id, customer] as const];
    }),
  );
  if (customers.size === 0) throw new Error(`${file}: there is no line "id,customer"`);
  return customers;
}

const missing = (reason: string): CodedError =>
  new CodedError('CUSTOMER_MISSING', `${reason}: name a customer for such rows with --customer.`, 'customer');

/** A field, or one inside of another: `metadata.user_api_key_alias`. */
function textAt(row: Row, path: string): string | null {
  let value: unknown = row;
  for (const name of path.split('.')) value = typeof value === 'object' && value !== null ? (value as Row)[name] : undefined;
  return typeof value === 'string' && value !== '' ? value : null;
}
