/**
 * An error that the caller can act on: a stable code, a sentence that says what to do, and the field it is about.
 * The API turns it into `extensions.code` (GraphQL), `rejected[]` (ingest) or a JSON body (REST).
 */
export class CodedError extends Error {
  constructor(
    readonly code: string,
    message: string,
    /** Path of the offending field, as in the request: `prices[2].tiers[0].upTo`. */
    readonly path?: string,
  ) {
    super(message);
    this.name = 'CodedError';
  }
}
