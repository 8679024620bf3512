import { CodedError } from '../../coded-error.ts';
import { requireObject } from '../wire-fields.ts';
import type { WireObject } from '../wire-fields.ts';
import { anthropicTokens } from './anthropic-usage.ts';
import { converseTokens, invocationTokens, llamaTokens } from './bedrock-usage.ts';
import { cohereTokens } from './cohere-usage.ts';
import { geminiTokens } from './gemini-usage.ts';
import { chatCompletionTokens, responsesTokens } from './openai-usage.ts';
import { providerFamily } from './provider-family.ts';
import type { ProviderFamily } from './provider-family.ts';
import { usageFormat } from './usage-format.ts';
import type { UsageFormat } from './usage-format.ts';
import { vercel4Tokens, vercelEmbeddingTokens, vercelModelTokens, vercelTokens } from './vercel-usage.ts';
import type { WireTokens } from './wire-tokens.ts';

/**
 * The tokens of a provider's own `usage` body, in the contract's inclusive form (SEMANTICS 3.4), so that nobody has to do arithmetic with token counts.
 * Fields that are not known are left alone, since providers add some; known ones have to be whole numbers. Nothing is clamped.
 * @param provider as in the event, in any of its spellings; null: by the shape alone
 * @param path of the body in the request, for refusals
 * @throws CodedError USAGE_NOT_RECOGNISED | TOKEN_PARTS_EXCEED_TOTAL | TOKEN_TOTAL_MISSING | INVALID_FIELD | NEGATIVE_NUMBER | NUMBER_NOT_EXACT
 */
export function tokensOfProviderUsage(provider: string | null, body: unknown, path = 'usage'): WireTokens {
  const usage = requireObject(body, path);
  const family = providerFamily(provider);
  const format = usageFormat(usage, family);
  if (format === null) throw notRecognised(path, 'These are not the fields of any provider that is known here.');
  const tokens = readAs(format, usage, family, path);
  if (tokens.input === undefined && tokens.output === undefined) throw notRecognised(path, 'All of its counts are empty.');
  return tokens;
}

function readAs(format: UsageFormat, usage: WireObject, family: ProviderFamily, path: string): WireTokens {
  switch (format) {
    case 'chatCompletions':
      return chatCompletionTokens(usage, family, path);
    case 'responses':
      return responsesTokens(usage, path);
    case 'anthropic':
      return anthropicTokens(usage, path);
    case 'gemini':
      return geminiTokens(usage, path);
    case 'converse':
      return converseTokens(usage, path);
    case 'invocation':
      return invocationTokens(usage, path);
    case 'llama':
      return llamaTokens(usage, path);
    case 'vercel4':
      return vercel4Tokens(usage, path);
    case 'vercel':
      return vercelTokens(usage, family, path);
    case 'vercelModel':
      return vercelModelTokens(usage, path);
    case 'vercelEmbedding':
      return vercelEmbeddingTokens(usage, path);
    case 'cohere':
      return cohereTokens(usage, path);
    default:
      return format satisfies never;
  }
}

function notRecognised(path: string, reason: string): CodedError {
  return new CodedError(
    'USAGE_NOT_RECOGNISED',
    `${reason} Send the usage object of the provider's answer as it came (Gemini: usageMetadata), or the counts in tokens.`,
    path,
  );
}
