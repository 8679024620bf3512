import type { WireObject } from '../wire-fields.ts';
import { readCount, readDetails } from './read-count.ts';
import { wireTokens } from './wire-tokens.ts';
import type { WireTokens } from './wire-tokens.ts';

/** `usage` (chat) or `meta` (embeddings) of Cohere. What it bills is counted, not the larger number of tokens that its own prompts made of it. */
export function cohereTokens(body: WireObject, path: string): WireTokens {
  const billed = readDetails(body, 'billed_units', path);
  const billedPath = `${path}.billed_units`;
  const found = { input: readCount(billed, 'input_tokens', billedPath), output: readCount(billed, 'output_tokens', billedPath) };
  return wireTokens(found, path, { input: 'billed_units.input_tokens', output: 'billed_units.output_tokens' });
}
