/**
 * The API's form encoding: `lines[0][metadata][line_id]=7`, `expand[]=customer`.
 * Keys stay text and branches stay maps, because only the reader of a parameter knows whether `[0]` is an index or a metadata key.
 */
export type FormNode = string | FormBranch;
export type FormBranch = Map<string, FormNode>;

export function decodeForm(text: string): FormBranch {
  const root: FormBranch = new Map();
  for (const [key, value] of new URLSearchParams(text)) insert(root, pathOf(key), value);
  return root;
}

/** `a[b][]` -> ['a', 'b', '']. A key without proper brackets is taken as it stands. */
function pathOf(key: string): string[] {
  const match = /^([^[\]]+)((?:\[[^[\]]*\])*)$/.exec(key);
  if (match === null) return [key];
  const brackets = [...(match[2] ?? '').matchAll(/\[([^[\]]*)\]/g)].map((part) => part[1] ?? '');
  return [match[1] ?? key, ...brackets];
}

function insert(branch: FormBranch, [head = '', ...rest]: string[], value: string): void {
  const key = head === '' ? String(branch.size) : head;
  if (rest.length === 0) {
    branch.set(key, value);
    return;
  }
  const existing = branch.get(key);
  const next: FormBranch = existing instanceof Map ? existing : new Map<string, FormNode>();
  branch.set(key, next);
  insert(next, rest, value);
}

/** One text for equal parameters, whatever their order: what idempotency compares. */
export function canonicalForm(node: FormNode): string {
  if (typeof node === 'string') return JSON.stringify(node);
  const entries = [...node].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${canonicalForm(value)}`).join(',')}}`;
}
