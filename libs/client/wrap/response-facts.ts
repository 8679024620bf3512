import type { JsonObject } from '../wire.ts';

/** What a provider's answer has told so far of one call. */
export interface ResponseFacts {
  readonly id?: string;
  readonly model?: string;
  readonly serviceTier?: string;
  /** As the provider told it; never computed with. */
  readonly usage?: JsonObject;
  /** The provider did all that it was asked for. */
  readonly isComplete: boolean;
  /** Of a stream: no chunk that follows tells more. */
  readonly isLast?: boolean;
  readonly hasFailed: boolean;
  /** The provider works on in the background: usage comes with a later look. */
  readonly isPending: boolean;
}

export const NO_FACTS: ResponseFacts = { isComplete: false, hasFailed: false, isPending: false };

/** How one endpoint of a provider tells of usage. */
export interface Dialect {
  /** Type of the event. */
  readonly type: string;
  /** Of an answer in one piece. */
  readBody(body: JsonObject): ResponseFacts;
  /** After one more chunk of a stream. Answers `facts` itself where the chunk says nothing. */
  readChunk(facts: ResponseFacts, chunk: JsonObject): ResponseFacts;
}

export const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The fields of a body that are there, under our names. OpenAI calls the standard tier "default"; "auto" names none. */
export function statedFacts(body: JsonObject): Pick<ResponseFacts, 'id' | 'model' | 'serviceTier' | 'usage'> {
  const { id, model, service_tier: tier, usage } = body;
  return {
    ...(isText(id) ? { id } : {}),
    ...(isText(model) ? { model } : {}),
    ...(isText(tier) && tier !== 'auto' ? { serviceTier: tier === 'default' ? 'standard' : tier } : {}),
    ...(isObject(usage) ? { usage } : {}),
  };
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
