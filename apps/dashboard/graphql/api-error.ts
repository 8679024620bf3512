/** What the API refused, by its code; `UNREACHABLE` and `UNREADABLE` are ours: no answer, or not one of GraphQL. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

const SENTENCES: Readonly<Record<string, string>> = {
  UNAUTHENTICATED: 'This API key is not known, or it has expired or been revoked.',
  FORBIDDEN: 'This API key may not read reports. Use a key with the scope READ.',
  NOT_FOUND: 'There is nothing here under this address. It may belong to another tenant.',
  NO_EXCHANGE_RATE:
    'An amount is in a currency for which no exchange rate is stored, so the report cannot be added up. Set the rate, then try again.',
  OVERLOADED: 'Tare is busy with more than it can take. Wait a moment, then try again.',
  UNREACHABLE: 'Tare does not answer. Check the connection, then try again.',
  UNREADABLE: 'Tare answered with something that is not an answer. It may be starting; try again in a moment.',
};

/** A coded error as a sentence; a code without one is told in the API's own words. */
export function sentenceOf({ code, message }: ApiError): string {
  return SENTENCES[code] ?? (/[.!?]$/.test(message) ? message : `${message}.`);
}
