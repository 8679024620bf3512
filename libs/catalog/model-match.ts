/** Which model names an entry of the catalogue answers to, as its publisher writes it. */
export type ModelMatch =
  | { readonly equals: string }
  | { readonly starts_with: string }
  | { readonly ends_with: string }
  | { readonly contains: string }
  | { readonly regex: string }
  | { readonly or: readonly ModelMatch[] }
  | { readonly and: readonly ModelMatch[] };

/** A name ends in a date that is written together: `-20260301`. Catalogues know some models by `-2026-03-01` only. */
const COMPACT_DATE = /-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/g;

/** Patterns come from the checked-in catalogue alone, never from a tenant. */
const patterns = new Map<string, RegExp>();

/** The first entry, in their order, that answers to the model name; letters' case does not matter. Undefined: none does. */
export function matchModel<Entry extends { readonly match: ModelMatch }>(entries: readonly Entry[], model: string): Entry | undefined {
  const name = model.trim().toLowerCase();
  return find(entries, name) ?? find(entries, name.replace(COMPACT_DATE, '-$1-$2-$3'));
}

function find<Entry extends { readonly match: ModelMatch }>(entries: readonly Entry[], name: string): Entry | undefined {
  return entries.find(({ match }) => matches(match, name));
}

function matches(match: ModelMatch, name: string): boolean {
  if ('or' in match) return match.or.some((part) => matches(part, name));
  if ('and' in match) return match.and.every((part) => matches(part, name));
  if ('equals' in match) return name === match.equals.toLowerCase();
  if ('starts_with' in match) return name.startsWith(match.starts_with.toLowerCase());
  if ('ends_with' in match) return name.endsWith(match.ends_with.toLowerCase());
  if ('contains' in match) return name.includes(match.contains.toLowerCase());
  return patternOf(match.regex).test(name);
}

function patternOf(source: string): RegExp {
  const pattern = patterns.get(source) ?? new RegExp(source);
  patterns.set(source, pattern);
  return pattern;
}
