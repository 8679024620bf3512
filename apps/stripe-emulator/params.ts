import { type FormBranch, type FormNode } from './form-decoding.ts';
import { invalidParameter } from './stripe-error.ts';

export type Metadata = Record<string, string>;

/** What a text parameter may say besides a value: absent (undefined) or unset (null, sent as an empty string). */
type Unsettable<T> = T | null | undefined;

/**
 * Reads the parameters of one call and remembers which were read. `requireAllRead` then refuses the rest, as the API does:
 * a parameter that this emulator does not know must never be dropped silently.
 */
export class Params {
  private readonly read = new Set<string>();
  private readonly children: Params[] = [];

  constructor(
    private readonly branch: FormBranch,
    private readonly prefix = '',
  ) {}

  nameOf(key: string): string {
    return this.prefix === '' ? key : `${this.prefix}[${key}]`;
  }

  has(key: string): boolean {
    return this.branch.has(key);
  }

  isObject(key: string): boolean {
    return this.branch.get(key) instanceof Map;
  }

  text(key: string, maxLength = 5000): Unsettable<string> {
    const node = this.take(key);
    if (node === undefined) return undefined;
    if (typeof node !== 'string') throw invalidParameter(this.nameOf(key), 'Invalid string: must be a string');
    if (node === '') return null;
    if (node.length > maxLength) {
      throw invalidParameter(this.nameOf(key), `Invalid string: ${node.slice(0, 20)}...; must be at most ${maxLength} characters`);
    }
    return node;
  }

  requiredText(key: string, maxLength = 5000): string {
    const value = this.text(key, maxLength);
    if (value == null) throw invalidParameter(this.nameOf(key), `Missing required param: ${this.nameOf(key)}.`, 'parameter_missing');
    return value;
  }

  choice<T extends string>(key: string, choices: readonly T[]): T | undefined {
    const value = this.text(key);
    if (value == null) return undefined;
    const found = choices.find((choice) => choice === value);
    if (found === undefined) {
      throw invalidParameter(this.nameOf(key), `Invalid ${this.nameOf(key)}: must be one of ${choices.join(', ')}`);
    }
    return found;
  }

  boolean(key: string): boolean | undefined {
    const value = this.choice(key, ['true', 'false']);
    return value === undefined ? undefined : value === 'true';
  }

  integer(key: string, bounds: { min?: number; max?: number } = {}): number | undefined {
    const value = this.text(key);
    if (value == null) return undefined;
    const number = Number(value);
    if (!/^-?\d+$/.test(value) || !Number.isSafeInteger(number)) {
      throw invalidParameter(this.nameOf(key), `Invalid integer: ${value}`, 'parameter_invalid_integer');
    }
    if (number < (bounds.min ?? -Infinity) || number > (bounds.max ?? Infinity)) {
      throw invalidParameter(
        this.nameOf(key),
        `This value must be between ${bounds.min ?? '-'} and ${bounds.max ?? '-'}.`,
        'parameter_invalid_integer',
      );
    }
    return number;
  }

  requiredInteger(key: string, bounds: { min?: number; max?: number } = {}): number {
    const value = this.integer(key, bounds);
    if (value === undefined) throw invalidParameter(this.nameOf(key), `Missing required param: ${this.nameOf(key)}.`, 'parameter_missing');
    return value;
  }

  /** A decimal as text, with at most `decimals` decimals; it is never read as a float. */
  decimal(key: string, decimals = 12): string | undefined {
    const value = this.text(key);
    if (value == null) return undefined;
    const match = /^-?\d+(?:\.(\d+))?$/.exec(value);
    if (match === null || (match[1] ?? '').length > decimals) {
      throw invalidParameter(this.nameOf(key), `Invalid decimal: ${value}; must be a decimal with at most ${decimals} decimal places.`);
    }
    return value;
  }

  object(key: string): Params | undefined {
    const node = this.take(key);
    if (node === undefined) return undefined;
    if (typeof node === 'string') throw invalidParameter(this.nameOf(key), 'Invalid object');
    return this.child(node, this.nameOf(key));
  }

  /** The elements of `key[0]`, `key[1]`, ... in the order of their indices. */
  list(key: string): Params[] | undefined {
    return this.elements(key)?.map(([index, node]) => {
      if (typeof node === 'string') throw invalidParameter(`${this.nameOf(key)}[${index}]`, 'Invalid object');
      return this.child(node, `${this.nameOf(key)}[${index}]`);
    });
  }

  texts(key: string): string[] | undefined {
    return this.elements(key)?.map(([index, node]) => {
      if (typeof node !== 'string') throw invalidParameter(`${this.nameOf(key)}[${index}]`, 'Invalid string');
      return node;
    });
  }

  /** Metadata to merge: a null value unsets its key; null in all unsets every key. At most 50 keys of 40 characters, values of 500. */
  metadata(key = 'metadata'): Unsettable<Record<string, string | null>> {
    const node = this.take(key);
    if (node === undefined) return undefined;
    if (typeof node === 'string') {
      if (node === '') return null;
      throw invalidParameter(this.nameOf(key), 'Invalid object');
    }
    if (node.size > 50) throw invalidParameter(this.nameOf(key), 'Metadata can have at most 50 keys.');
    return Object.fromEntries([...node].map(([name, value]) => this.metadataEntry(key, name, value)));
  }

  requireAllRead(): void {
    for (const key of this.branch.keys()) {
      if (this.read.has(key)) continue;
      const name = this.nameOf(key);
      throw invalidParameter(name, `Received unknown parameter: ${name} (or one that this emulator does not know)`, 'parameter_unknown');
    }
    for (const child of this.children) child.requireAllRead();
  }

  private metadataEntry(key: string, name: string, value: FormNode): [string, string | null] {
    const param = `${this.nameOf(key)}[${name}]`;
    if (typeof value !== 'string') throw invalidParameter(param, 'Metadata values must be strings.');
    if (name.length > 40) throw invalidParameter(param, 'Metadata keys can have up to 40 characters.');
    if (value.length > 500) throw invalidParameter(param, 'Metadata values can have up to 500 characters.');
    return [name, value === '' ? null : value];
  }

  private elements(key: string): [string, FormNode][] | undefined {
    const node = this.take(key);
    if (node === undefined) return undefined;
    if (typeof node === 'string') {
      if (node === '') return [];
      throw invalidParameter(this.nameOf(key), 'Invalid array');
    }
    if ([...node.keys()].some((index) => !/^\d+$/.test(index))) throw invalidParameter(this.nameOf(key), 'Invalid array');
    return [...node].sort(([a], [b]) => Number(a) - Number(b));
  }

  private child(node: FormBranch, name: string): Params {
    const child = new Params(node, name);
    this.children.push(child);
    return child;
  }

  private take(key: string): FormNode | undefined {
    this.read.add(key);
    return this.branch.get(key);
  }
}

export function mergeMetadata(current: Metadata, change: Unsettable<Record<string, string | null>>): Metadata {
  if (change === undefined) return current;
  if (change === null) return {};
  const merged = Object.entries({ ...current, ...change });
  return Object.fromEntries(merged.filter((entry): entry is [string, string] => entry[1] !== null));
}
