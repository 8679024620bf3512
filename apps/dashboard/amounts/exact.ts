/**
 * Exact decimals for display: amounts come as strings and are compared, added and rounded as whole numbers of a power of ten. A float is made of one
 * only where it becomes the height of a bar (`barValue`).
 */
interface Exact {
  readonly units: bigint;
  readonly decimals: number;
}

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;

function parse(text: string): Exact {
  const match = DECIMAL.exec(text);
  if (match === null) throw new Error(`"${text}" is not a decimal`);
  const [, sign = '', whole = '0', fraction = ''] = match;
  return { units: BigInt(`${sign}${whole}${fraction}`), decimals: fraction.length };
}

/** At exactly so many decimals, which must be at least those that it has. */
function unitsAt({ units, decimals }: Exact, wanted: number): bigint {
  return units * 10n ** BigInt(wanted - decimals);
}

function textOf(units: bigint, decimals: number): string {
  const digits = (units < 0n ? -units : units).toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = decimals === 0 ? '' : `.${digits.slice(digits.length - decimals)}`;
  return `${units < 0n ? '-' : ''}${whole}${fraction}`;
}

function alike(texts: readonly string[]): { units: bigint[]; decimals: number } {
  const parsed = texts.map(parse);
  const decimals = Math.max(0, ...parsed.map((one) => one.decimals));
  return { units: parsed.map((one) => unitsAt(one, decimals)), decimals };
}

/** Below zero, zero or above zero, as Array.sort wants it. */
export function compare(a: string, b: string): number {
  const [left = 0n, right = 0n] = alike([a, b]).units;
  return left < right ? -1 : left > right ? 1 : 0;
}

export const isZero = (text: string): boolean => parse(text).units === 0n;
export const isNegative = (text: string): boolean => parse(text).units < 0n;

export function negated(text: string): string {
  const { units, decimals } = parse(text);
  return textOf(-units, decimals);
}

export function sum(texts: readonly string[]): string {
  const { units, decimals } = alike(texts);
  return textOf(
    units.reduce((total, one) => total + one, 0n),
    decimals,
  );
}

/** Half away from zero, with exactly so many decimals. `DOWN` cuts instead, towards zero: a coverage of 0.9999 is not 100 %. */
export function rounded(text: string, decimals: number, direction: 'HALF_UP' | 'DOWN' = 'HALF_UP'): string {
  const exact = parse(text);
  if (exact.decimals <= decimals) return textOf(unitsAt(exact, decimals), decimals);
  const step = 10n ** BigInt(exact.decimals - decimals);
  const size = exact.units < 0n ? -exact.units : exact.units;
  const units = direction === 'DOWN' ? size / step : (size + step / 2n) / step;
  return textOf(exact.units < 0n ? -units : units, decimals);
}

/** Times ten to the power of `places`, which is at least 0. */
export function shifted(text: string, places: number): string {
  const { units, decimals } = parse(text);
  return decimals >= places ? textOf(units, decimals - places) : textOf(units * 10n ** BigInt(places - decimals), 0);
}

/**
 * The parts rounded so that what a person sees adds up to the rounded sum: each part is cut, and what is missing goes to those that lost most.
 */
export function roundedToAddUp(parts: readonly string[], decimals: number): string[] {
  const target = parse(rounded(sum(parts), decimals)).units;
  const { units, decimals: fine } = alike(parts);
  const step = 10n ** BigInt(Math.max(0, fine - decimals));
  const scale = 10n ** BigInt(Math.max(0, decimals - fine));
  const cut = units.map((one) => floorDivide(one * scale, step));
  const lost = units.map((one, index) => one * scale - (cut[index] ?? 0n) * step);
  const missing = Number(target - cut.reduce((total, one) => total + one, 0n));
  const first = new Set(
    lost
      .map((amount, index) => ({ amount, index }))
      .sort((a, b) => (a.amount > b.amount ? -1 : a.amount < b.amount ? 1 : a.index - b.index))
      .slice(0, missing)
      .map(({ index }) => index),
  );
  return cut.map((one, index) => textOf(first.has(index) ? one + 1n : one, decimals));
}

function floorDivide(units: bigint, step: bigint): bigint {
  const quotient = units / step;
  return units < 0n && units % step !== 0n ? quotient - 1n : quotient;
}

/** A float, for the height or the width of a bar and for nothing else. */
export const barValue = (text: string): number => Number(text);
