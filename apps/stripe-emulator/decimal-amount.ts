/** unit x quantity as whole minor units, half away from zero. Both are plain decimal texts; no float is involved. */
export function multipliedAmount(unit: string, quantity: string): number {
  const a = scaled(unit);
  const b = scaled(quantity);
  return Number(roundedDivision(a.digits * b.digits, 10n ** BigInt(a.decimals + b.decimals)));
}

/** percent of a whole amount, half away from zero. */
export function percentOf(amount: number, percent: string): number {
  const rate = scaled(percent);
  return Number(roundedDivision(BigInt(amount) * rate.digits, 100n * 10n ** BigInt(rate.decimals)));
}

function scaled(text: string): { digits: bigint; decimals: number } {
  const [whole = '0', fraction = ''] = text.split('.');
  return { digits: BigInt(whole + fraction), decimals: fraction.length };
}

function roundedDivision(numerator: bigint, denominator: bigint): bigint {
  const negative = numerator < 0n;
  const magnitude = negative ? -numerator : numerator;
  const rounded = (2n * magnitude + denominator) / (2n * denominator);
  return negative ? -rounded : rounded;
}
