import { isNegative, isZero, negated, rounded, shifted } from './exact.ts';

const MINUS = '\u2212';

/** "-12345.6" -> "−12,345.6": digits as they are, grouped. */
export function grouped(text: string): string {
  const size = isNegative(text) ? negated(text) : text;
  const [whole = '0', fraction] = size.split('.');
  const digits = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return `${isNegative(text) ? MINUS : ''}${digits}${fraction === undefined ? '' : `.${fraction}`}`;
}

/** Decimals of a currency's minor unit: 2 for USD, 0 for JPY, 3 for KWD. */
export function decimalsOf(currency: string): number {
  try {
    return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
  } catch {
    return 2;
  }
}

/** Rounded to the minor unit; what is not zero but rounds to it says so, since a small cost is not no cost. */
export function moneyText(amount: string, currency: string): string {
  const decimals = decimalsOf(currency);
  const shown = rounded(amount, decimals);
  if (!isZero(shown) || isZero(amount)) return grouped(shown);
  const smallest = shifted('1', 0).padStart(decimals + 1, '0');
  const unit = decimals === 0 ? smallest : `0.${smallest.slice(1)}`;
  return isNegative(amount) ? `>${MINUS}${unit}` : `<${unit}`;
}

/** A share ("0.2308") as "23.1 %". */
export function percentText(share: string): string {
  return `${grouped(rounded(shifted(share, 2), 1))} %`;
}

/** A coverage: what is missing is never rounded away, so only 1 is "100 %". */
export function coverageText(share: string): string {
  const percent = rounded(shifted(share, 2), 1, 'DOWN');
  return `${percent.replace(/\.0$/, '')} %`;
}

/** How many: without zeros at the end. */
export function countText(quantity: string): string {
  return grouped(quantity.includes('.') ? quantity.replace(/\.?0+$/, '') : quantity);
}

/** The day of an instant in a time zone, "1 Oct 2026". */
export function dayText(instant: string | Date, timeZone = 'UTC'): string {
  const format = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone });
  return format.format(new Date(instant));
}

/** A half-open period as the days that it covers where the customer is: its last day is the one before its end. One without length is its one day. */
export function periodText(start: string, end: string, timeZone: string): string {
  const last = Math.max(Date.parse(start), Date.parse(end) - 1);
  const [first, until] = [dayText(start, timeZone), dayText(new Date(last), timeZone)];
  return first === until ? first : `${first} \u2013 ${until}`;
}
