/**
 * Columns as Postgres array literals, for INSERT ... SELECT FROM unnest(...). Written by hand because the driver's own way looks at every element
 * with regular expressions and a recursion.
 */

/** Elements that need no quotes: numbers, decimals, UUIDs, hexadecimal digits, ISO times without spaces; null is NULL. */
export function plainArray(values: readonly (string | number | null)[]): string {
  let text = '{';
  for (let i = 0; i < values.length; i += 1) text += `${i === 0 ? '' : ','}${values[i] ?? 'NULL'}`;
  return `${text}}`;
}

const QUOTED = /["\\]/;
const EACH_QUOTED = /["\\]/g;

/** Any text, JSON included. */
export function textArray(values: readonly (string | null)[]): string {
  let text = '{';
  for (let i = 0; i < values.length; i += 1) text += `${i === 0 ? '' : ','}${quoted(values[i] ?? null)}`;
  return `${text}}`;
}

function quoted(value: string | null): string {
  if (value === null) return 'NULL';
  return QUOTED.test(value) ? `"${value.replace(EACH_QUOTED, '\\$&')}"` : `"${value}"`;
}
