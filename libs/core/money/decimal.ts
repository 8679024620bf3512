import { CodedError } from '../coded-error.ts';

/** Powers of ten by exponent; grown on demand, the usual ones are there from the start. */
const POWERS: bigint[] = Array.from({ length: 64 }, (_, exponent) => 10n ** BigInt(exponent));

/** Longest text that is read as a number, and the largest exponent in it: bounds on what a stranger can make us compute. */
const MAX_TEXT_LENGTH = 1_000;
const PATTERN = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;
const SHORT_INTEGER = /^\d{1,15}$/;
/** Counts below this, as most token counts are, are made once: a flush of events makes little else. */
const SMALL_COUNTS = 16_384;

function powerOfTen(exponent: number): bigint {
  return POWERS[exponent] ?? (POWERS[exponent] = 10n ** BigInt(exponent));
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}

/** `numerator / denominator` as a whole number, half away from zero. */
function divideRounded(numerator: bigint, denominator: bigint): bigint {
  if (denominator === 0n) throw new CodedError('DIVISION_BY_ZERO', 'A number cannot be divided by zero.');
  const quotient = numerator / denominator;
  const twiceRemainder = absolute(numerator - quotient * denominator) * 2n;
  if (twiceRemainder < absolute(denominator)) return quotient;
  return numerator < 0n === denominator < 0n ? quotient + 1n : quotient - 1n;
}

function divideCeiling(numerator: bigint, denominator: bigint): bigint {
  if (denominator === 0n) throw new CodedError('DIVISION_BY_ZERO', 'A number cannot be divided by zero.');
  const quotient = numerator / denominator;
  const isInexact = quotient * denominator !== numerator;
  return isInexact && numerator < 0n === denominator < 0n ? quotient + 1n : quotient;
}

/**
 * An exact decimal number: `units / 10^scale` on BigInt, of any size. Immutable in value; trailing zeros are dropped lazily, when somebody looks.
 * Nothing here rounds unless the name says so, and rounding is always half away from zero (SEMANTICS 1.1 - 1.3).
 */
export class Decimal {
  static readonly ZERO = Decimal.small(0);
  static readonly ONE = Decimal.small(1);

  /** The number itself where it was made as a count below SMALL_COUNTS, else -1. No part of the value: of two equal ones one may know it. */
  #smallCount = -1;

  private constructor(
    private units: bigint,
    private scale: number,
  ) {}

  /**
   * Reads `-?digits[.digits][e[+-]ddd]`, at most 1,000 characters. No leading plus, no bare point, no spaces.
   * @throws CodedError INVALID_DECIMAL
   */
  static parse(text: string, path?: string): Decimal {
    if (text === '0') return Decimal.ZERO;
    if (SHORT_INTEGER.test(text)) return Decimal.of(Number(text));
    const match = text.length <= MAX_TEXT_LENGTH ? PATTERN.exec(text) : null;
    if (match === null) throw new CodedError('INVALID_DECIMAL', `${quote(text)} is not a decimal number such as "12.5".`, path);
    const fraction = match[3] ?? '';
    const digits = BigInt(`${match[1] ?? ''}${match[2] ?? ''}${fraction}`);
    return Decimal.fromUnits(digits, fraction.length - Number(match[4] ?? 0)).normalised();
  }

  /** A whole number. @throws CodedError INVALID_DECIMAL for a number that is not a safe integer. */
  static of(whole: number | bigint): Decimal {
    if (typeof whole === 'bigint') return new Decimal(whole, 0);
    if (whole === 0) return Decimal.ZERO;
    if (whole > 0 && whole < SMALL_COUNTS && Number.isInteger(whole)) return (small[whole] ??= Decimal.small(whole));
    if (!Number.isSafeInteger(whole)) throw new CodedError('INVALID_DECIMAL', `${whole} is not a whole number that is held exactly.`);
    return new Decimal(BigInt(whole), 0);
  }

  private static small(count: number): Decimal {
    const made = new Decimal(BigInt(count), 0);
    made.#smallCount = count;
    return made;
  }

  /** `units / 10^scale`; a negative scale multiplies. For code that keeps scaled integers, such as binary encoders. */
  static fromUnits(units: bigint, scale: number): Decimal {
    return scale < 0 ? new Decimal(units * powerOfTen(-scale), 0) : new Decimal(units, scale);
  }

  static sum(values: Iterable<Decimal>): Decimal {
    let total = Decimal.ZERO;
    for (const value of values) total = total.plus(value);
    return total;
  }

  /** The sum of what is read of each item, without a list of it. */
  static sumOf<Item>(items: readonly Item[], read: (item: Item) => Decimal): Decimal {
    let total = Decimal.ZERO;
    for (let index = 0; index < items.length; index += 1) total = total.plus(read(items[index] as Item));
    return total;
  }

  static min(first: Decimal, ...others: Decimal[]): Decimal {
    let least = first;
    for (const value of others) if (value.compare(least) < 0) least = value;
    return least;
  }

  static max(first: Decimal, ...others: Decimal[]): Decimal {
    let greatest = first;
    for (const value of others) if (value.compare(greatest) > 0) greatest = value;
    return greatest;
  }

  plus(other: Decimal): Decimal {
    if (other.units === 0n) return this;
    if (this.units === 0n) return other;
    if (this.scale === other.scale) return new Decimal(this.units + other.units, this.scale);
    if (this.scale < other.scale) return new Decimal(this.units * powerOfTen(other.scale - this.scale) + other.units, other.scale);
    return new Decimal(this.units + other.units * powerOfTen(this.scale - other.scale), this.scale);
  }

  minus(other: Decimal): Decimal {
    return other.units === 0n ? this : this.plus(other.negated());
  }

  times(other: Decimal): Decimal {
    if (this.units === 0n || other.units === 0n) return Decimal.ZERO;
    return new Decimal(this.units * other.units, this.scale + other.scale);
  }

  negated(): Decimal {
    return this.units === 0n ? this : new Decimal(-this.units, this.scale);
  }

  abs(): Decimal {
    return this.units < 0n ? this.negated() : this;
  }

  /** The quotient at `decimals` decimals, half away from zero. @throws CodedError DIVISION_BY_ZERO */
  dividedBy(divisor: Decimal, decimals: number): Decimal {
    const shift = decimals + divisor.scale - this.scale;
    const numerator = shift > 0 ? this.units * powerOfTen(shift) : this.units;
    const denominator = shift < 0 ? divisor.units * powerOfTen(-shift) : divisor.units;
    return new Decimal(divideRounded(numerator, denominator), decimals);
  }

  /** The smallest whole number that is not below the quotient. @throws CodedError DIVISION_BY_ZERO */
  ceilDividedBy(divisor: Decimal): Decimal {
    const scale = Math.max(this.scale, divisor.scale);
    return new Decimal(divideCeiling(this.scaledTo(scale), divisor.scaledTo(scale)), 0);
  }

  /** Half away from zero (SEMANTICS 1.3). */
  roundedTo(decimals: number): Decimal {
    if (this.scale <= decimals) return this;
    return new Decimal(divideRounded(this.units, powerOfTen(this.scale - decimals)), decimals);
  }

  /** The nearest multiple of a positive `increment`, half away from zero. */
  roundedToIncrement(increment: Decimal): Decimal {
    return this.dividedBy(increment, 0).times(increment);
  }

  compare(other: Decimal): -1 | 0 | 1 {
    if (this === other) return 0;
    const scale = Math.max(this.scale, other.scale);
    const left = this.scaledTo(scale);
    const right = other.scaledTo(scale);
    return left < right ? -1 : left > right ? 1 : 0;
  }

  equals(other: Decimal): boolean {
    if (this === other) return true;
    return this.scale === other.scale ? this.units === other.units : this.compare(other) === 0;
  }

  isZero(): boolean {
    return this.#smallCount === 0 || this.units === 0n;
  }

  isNegative(): boolean {
    return this.units < 0n;
  }

  isPositive(): boolean {
    return this.units > 0n;
  }

  isWhole(): boolean {
    return this.decimals === 0;
  }

  /** Decimals that are really there: 1.50 has one. */
  get decimals(): number {
    return this.normalised().scale;
  }

  /** Digits that are written down, without leading zeros: 120 has three, 0.05 has one. */
  get digits(): number {
    return absolute(this.normalised().units).toString().length;
  }

  /** The number itself where it is known to be a count below 16,384, as nearly all counts of tokens are; -1: look at `unitsAt`. */
  get smallCount(): number {
    return this.#smallCount;
  }

  /** `this x 10^decimals` as an integer. @throws CodedError TOO_PRECISE when that would round. */
  unitsAt(decimals: number): bigint {
    if (this.normalised().scale > decimals) throw new CodedError('TOO_PRECISE', `${this.toString()} has more than ${decimals} decimals.`);
    return this.scaledTo(decimals);
  }

  /** Plain and normalised: `1.5`, `0`, `-3`; never an exponent. */
  toString(): string {
    if (this.#smallCount >= 0) return String(this.#smallCount);
    const { units, scale } = this.normalised();
    return scale === 0 ? units.toString() : pointed(units, scale);
  }

  toJSON(): string {
    return this.toString();
  }

  /** Padded to exactly `decimals` decimals. @throws CodedError TOO_PRECISE when that would round. */
  toFixed(decimals: number): string {
    const units = this.unitsAt(decimals);
    return decimals === 0 ? units.toString() : pointed(units, decimals);
  }

  private scaledTo(scale: number): bigint {
    return scale === this.scale ? this.units : this.units * powerOfTen(scale - this.scale);
  }

  /** Drops trailing zeros in place: the value stays, later looks are free. */
  private normalised(): this {
    if (this.scale === 0) return this;
    if (this.units === 0n) this.scale = 0;
    while (this.scale >= 8 && this.units % 100_000_000n === 0n) {
      this.units /= 100_000_000n;
      this.scale -= 8;
    }
    while (this.scale > 0 && this.units % 10n === 0n) {
      this.units /= 10n;
      this.scale -= 1;
    }
    return this;
  }
}

const small: Decimal[] = [];

function pointed(units: bigint, scale: number): string {
  const digits = absolute(units)
    .toString()
    .padStart(scale + 1, '0');
  return `${units < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
