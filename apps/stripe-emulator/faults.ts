import { seededRandom } from './seeded-random.ts';

/** Faults at the edge happen before the idempotency layer, the others only to requests that are really executed. */
export const EDGE_FAULTS = ['rate_limit', 'lock_timeout', 'idempotency_key_in_use', 'reset_before'] as const;
export const EXECUTION_FAULTS = ['error_500_before', 'error_500_after', 'reset_after', 'slow'] as const;
export type EdgeFault = (typeof EDGE_FAULTS)[number];
export type ExecutionFault = (typeof EXECUTION_FAULTS)[number];
export type FaultName = EdgeFault | ExecutionFault;

/** A rule that makes requests fail: the next n that match, or each with a probability drawn from a seed. */
export interface FaultRule {
  fault: FaultName;
  next: number | null;
  probability: number | null;
  seed: number;
  /** Matching requests let through first. */
  skip: number;
  /** How long `slow` holds the request, and its idempotency key. */
  delayMs: number;
  method: string | null;
  /** A path such as /v1/invoices/{id}/finalize, with a star or {id} for any one part. */
  path: string | null;
}

interface ActiveRule extends FaultRule {
  random: () => number;
  injected: number;
}

export interface Injected<Name extends FaultName> {
  fault: Name;
  delayMs: number;
}

export class InvalidFault extends Error {}

export class Faults {
  private rules: ActiveRule[] = [];

  add(rule: FaultRule): void {
    this.rules.push({ ...rule, random: seededRandom(rule.seed), injected: 0 });
  }

  clear(): void {
    this.rules = [];
  }

  list(): (FaultRule & { injected: number })[] {
    return this.rules.map(({ random: _random, ...rule }) => rule);
  }

  takeAtEdge(method: string, path: string): Injected<EdgeFault> | null {
    return this.take(EDGE_FAULTS, method, path);
  }

  takeInExecution(method: string, path: string): Injected<ExecutionFault> | null {
    return this.take(EXECUTION_FAULTS, method, path);
  }

  private take<Name extends FaultName>(stage: readonly Name[], method: string, path: string): Injected<Name> | null {
    for (const rule of this.rules) {
      const fault = stage.find((name) => name === rule.fault);
      if (fault === undefined || !matches(rule, method, path) || !strikes(rule)) continue;
      rule.injected += 1;
      return { fault, delayMs: rule.delayMs };
    }
    return null;
  }
}

function strikes(rule: ActiveRule): boolean {
  if (rule.skip > 0) {
    rule.skip -= 1;
    return false;
  }
  if (rule.probability !== null) return rule.random() < rule.probability;
  if (rule.next === null || rule.next === 0) return false;
  rule.next -= 1;
  return true;
}

function matches(rule: FaultRule, method: string, path: string): boolean {
  if (rule.method !== null && rule.method.toUpperCase() !== method) return false;
  if (rule.path === null) return true;
  const wanted = rule.path.split('/');
  const parts = path.split('/');
  return wanted.length === parts.length && wanted.every((part, index) => part === '*' || part === '{id}' || part === parts[index]);
}

/** A rule as it comes over the wire; what is missing gets its default: the next one request, any method and path. */
export function parseFaultRule(input: unknown): FaultRule {
  const raw = (typeof input === 'object' && input !== null ? input : {}) as Record<string, unknown>;
  const fault = [...EDGE_FAULTS, ...EXECUTION_FAULTS].find((name) => name === raw['fault']);
  if (fault === undefined) throw new InvalidFault(`fault must be one of ${[...EDGE_FAULTS, ...EXECUTION_FAULTS].join(', ')}`);
  const known = ['fault', 'next', 'probability', 'seed', 'skip', 'delayMs', 'method', 'path'];
  const unknown = Object.keys(raw).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new InvalidFault(`unknown field ${unknown}`);
  const probability = numberIn(raw, 'probability', 0, 1);
  return {
    fault,
    probability,
    next: probability === null ? (numberIn(raw, 'next', 0, Infinity) ?? 1) : null,
    seed: numberIn(raw, 'seed', 0, 2 ** 32) ?? 1,
    skip: numberIn(raw, 'skip', 0, Infinity) ?? 0,
    delayMs: numberIn(raw, 'delayMs', 0, 600_000) ?? 250,
    method: textIn(raw, 'method'),
    path: textIn(raw, 'path'),
  };
}

function numberIn(raw: Record<string, unknown>, key: string, min: number, max: number): number | null {
  const value = raw[key];
  if (value === undefined || value === null) return null;
  if (typeof value !== 'number' || !(value >= min && value <= max)) throw new InvalidFault(`${key} must be a number from ${min} to ${max}`);
  return value;
}

function textIn(raw: Record<string, unknown>, key: string): string | null {
  const value = raw[key];
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string') throw new InvalidFault(`${key} must be text`);
  return value;
}
