import { invalidParameter } from './stripe-error.ts';

const ZERO_DECIMAL = new Set(['bif', 'clp', 'djf', 'gnf', 'jpy', 'kmf', 'krw', 'mga', 'pyg', 'rwf', 'vnd', 'vuv', 'xaf', 'xof', 'xpf']);
const THREE_DECIMAL = new Set(['bhd', 'jod', 'kwd', 'omr', 'tnd']);
/** Sent with two decimals that are always 00. */
const WHOLE_BUT_TWO_DECIMAL = new Set(['isk', 'ugx']);
/** Below these, an automatically charged invoice is not charged: the amount goes to the customer's balance. */
const MINIMUM_CHARGE: Readonly<Record<string, number>> = {
  ...{
    usd: 50,
    eur: 50,
    gbp: 30,
    jpy: 50,
    chf: 50,
    cad: 50,
    aud: 50,
    nzd: 50,
    sgd: 50,
    sek: 300,
    nok: 300,
    dkk: 250,
    pln: 200,
    brl: 50,
    inr: 50,
  },
};

const KNOWN = new Set(Intl.supportedValuesOf('currency').map((code) => code.toLowerCase()));

export function requireCurrency(text: string, param: string): string {
  const currency = text.toLowerCase();
  if (!KNOWN.has(currency)) throw invalidParameter(param, `Invalid currency: ${currency}. Stripe does not support this currency.`);
  return currency;
}

/** The last digits of some currencies must be 0, or the API refuses the amount. */
export function requireChargeable(amount: number, currency: string, param: string): void {
  if (THREE_DECIMAL.has(currency) && amount % 10 !== 0) {
    throw invalidParameter(param, `Invalid amount: amounts in ${currency} must be evenly divisible by 10.`);
  }
  if (WHOLE_BUT_TWO_DECIMAL.has(currency) && amount % 100 !== 0) {
    throw invalidParameter(param, `Invalid amount: amounts in ${currency} must be evenly divisible by 100.`);
  }
}

export function minimumCharge(currency: string): number {
  return MINIMUM_CHARGE[currency] ?? 0;
}

/** For people: `12.30 USD`. */
export function formatMinorAmount(amount: number, currency: string): string {
  const decimals = ZERO_DECIMAL.has(currency) ? 0 : THREE_DECIMAL.has(currency) ? 3 : 2;
  const digits = String(Math.abs(amount)).padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals).replace(/\B(?=(\d{3})+$)/g, ',');
  const fraction = decimals === 0 ? '' : `.${digits.slice(-decimals)}`;
  return `${amount < 0 ? '-' : ''}${whole}${fraction} ${currency.toUpperCase()}`;
}
