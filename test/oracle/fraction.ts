/** Denominators beyond this many are reduced: sums of many fractions would grow without bound. */
const REDUCE_FROM = 1n << 160n;

/** An exact fraction of whole numbers, for the oracle alone: it shares nothing with the decimals of the product. */
export class Fraction {
  static readonly ZERO = new Fraction(0n, 1n);
  static readonly ONE = new Fraction(1n, 1n);

  private constructor(
    readonly numerator: bigint,
    /** Above zero. */
    readonly denominator: bigint,
  ) {}

  static of(numerator: bigint | number, denominator: bigint | number = 1n): Fraction {
    const [above, below] = [BigInt(numerator), BigInt(denominator)];
    if (below === 0n) throw new Error('a fraction of nothing');
    return below < 0n ? new Fraction(-above, -below) : new Fraction(above, below);
  }

  /** Of a decimal such as "-12.5". */
  static read(text: string): Fraction {
    const point = text.indexOf('.');
    if (point < 0) return new Fraction(BigInt(text), 1n);
    return new Fraction(BigInt(text.slice(0, point) + text.slice(point + 1)), 10n ** BigInt(text.length - point - 1));
  }

  static sum(values: Iterable<Fraction>): Fraction {
    let total = Fraction.ZERO;
    for (const value of values) total = total.plus(value);
    return total;
  }

  plus(other: Fraction): Fraction {
    if (this.denominator === other.denominator) return new Fraction(this.numerator + other.numerator, this.denominator);
    return reduced(this.numerator * other.denominator + other.numerator * this.denominator, this.denominator * other.denominator);
  }

  minus(other: Fraction): Fraction {
    return this.plus(other.negated());
  }

  times(other: Fraction): Fraction {
    return reduced(this.numerator * other.numerator, this.denominator * other.denominator);
  }

  over(other: Fraction): Fraction {
    return this.times(Fraction.of(other.denominator, other.numerator));
  }

  negated(): Fraction {
    return new Fraction(-this.numerator, this.denominator);
  }

  /** Below zero, zero or above it, as this is less than, equal to or more than the other. */
  compare(other: Fraction): number {
    const difference = this.numerator * other.denominator - other.numerator * this.denominator;
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
  }

  get isZero(): boolean {
    return this.numerator === 0n;
  }

  get isPositive(): boolean {
    return this.numerator > 0n;
  }

  /** The greatest whole number that is not above it. */
  floor(): bigint {
    const whole = this.numerator / this.denominator;
    return this.numerator < 0n && whole * this.denominator !== this.numerator ? whole - 1n : whole;
  }

  ceiling(): bigint {
    return -this.negated().floor();
  }

  /** The nearest multiple of a step, half of one away from zero. */
  rounded(step: Fraction): Fraction {
    const steps = this.over(step);
    const half = Fraction.of(1n, 2n);
    const whole = steps.numerator < 0n ? -steps.negated().plus(half).floor() : steps.plus(half).floor();
    return step.times(Fraction.of(whole));
  }

  /** As a plain decimal without trailing zeros. @throws Error when it has no end */
  toString(): string {
    const { numerator, denominator } = lowest(this.numerator, this.denominator);
    let decimals = 0;
    let power = 1n;
    while (power % denominator !== 0n) {
      if ((decimals += 1) > 200) throw new Error(`${this.numerator}/${this.denominator} is no decimal`);
      power *= 10n;
    }
    const digits = (numerator < 0n ? -numerator : numerator) * (power / denominator);
    const text = digits.toString().padStart(decimals + 1, '0');
    const plain = decimals === 0 ? text : `${text.slice(0, -decimals)}.${text.slice(-decimals)}`;
    return numerator < 0n ? `-${plain}` : plain;
  }
}

export const least = (first: Fraction, second: Fraction): Fraction => (second.compare(first) < 0 ? second : first);
export const greatest = (first: Fraction, second: Fraction): Fraction => (second.compare(first) > 0 ? second : first);

function reduced(numerator: bigint, denominator: bigint): Fraction {
  return denominator < REDUCE_FROM ? Fraction.of(numerator, denominator) : Fraction.of(...pairOf(numerator, denominator));
}

function pairOf(numerator: bigint, denominator: bigint): [bigint, bigint] {
  const parts = lowest(numerator, denominator);
  return [parts.numerator, parts.denominator];
}

function lowest(numerator: bigint, denominator: bigint): { numerator: bigint; denominator: bigint } {
  let [a, b] = [numerator < 0n ? -numerator : numerator, denominator];
  while (b !== 0n) [a, b] = [b, a % b];
  return a === 0n ? { numerator, denominator } : { numerator: numerator / a, denominator: denominator / a };
}
