import { CodedError } from '../coded-error.ts';
import { requireObject, requireStorable } from './wire-fields.ts';

export type EventProperties = Readonly<Record<string, unknown>>;

/** Bounds on an event's free properties: characters of their JSON text, and levels of nesting. */
export const MAX_PROPERTIES_LENGTH = 16_384;
export const MAX_PROPERTIES_DEPTH = 8;

/**
 * Checks the free properties of an event; an empty object is null.
 * @throws CodedError INVALID_FIELD | INVALID_CHARACTER | PROPERTIES_TOO_DEEP | PROPERTIES_TOO_LARGE
 */
export function parseProperties(raw: unknown, path = 'properties'): EventProperties | null {
  if (raw === undefined || raw === null) return null;
  const properties = requireObject(raw, path);
  let isEmpty = true;
  for (const name in properties) {
    isEmpty = false;
    requireStorable(name, path);
    requireJson(properties[name], 2, path);
  }
  if (isEmpty) return null;
  if (JSON.stringify(properties).length > MAX_PROPERTIES_LENGTH) {
    throw new CodedError('PROPERTIES_TOO_LARGE', `Properties have at most ${MAX_PROPERTIES_LENGTH} characters as JSON.`, path);
  }
  return properties;
}

/** Depth is checked on the way down, so that nothing deep is ever walked or printed. */
function requireJson(value: unknown, depth: number, path: string): void {
  if (typeof value === 'string') requireStorable(value, path);
  else if (typeof value === 'object' && value !== null) requireJsonParts(value, depth, path);
  else if (typeof value !== 'boolean' && value !== null && !Number.isFinite(value)) {
    throw new CodedError('INVALID_FIELD', 'Properties hold JSON values only.', path);
  }
}

function requireJsonParts(value: object, depth: number, path: string): void {
  if (depth > MAX_PROPERTIES_DEPTH)
    throw new CodedError('PROPERTIES_TOO_DEEP', `Properties nest at most ${MAX_PROPERTIES_DEPTH} levels.`, path);
  for (const [name, part] of Object.entries(value)) {
    requireStorable(name, path);
    requireJson(part, depth + 1, path);
  }
}

/** JSON text that does not depend on the order of keys. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, part]) => `${JSON.stringify(name)}:${canonicalJson(part)}`).join(',')}}`;
}

/** The value at a path such as `order.pages`. A key that has dots in it is found as well, before the nested one. */
export function propertyAt(properties: EventProperties | null | undefined, path: string): unknown {
  let value: unknown = properties;
  let rest = path;
  while (typeof value === 'object' && value !== null) {
    const holder = value as Record<string, unknown>;
    if (Object.hasOwn(holder, rest)) return holder[rest];
    const dot = rest.indexOf('.');
    const name = rest.slice(0, dot);
    if (dot < 0 || !Object.hasOwn(holder, name)) return undefined;
    value = holder[name];
    rest = rest.slice(dot + 1);
  }
  return undefined;
}
