/** Who counts in the same way. Everybody who is not listed counts as OpenAI does. */
export type ProviderFamily = 'anthropic' | 'bedrock' | 'google' | 'xai' | 'perplexity' | 'other';

/**
 * The family of a provider's name, whichever way people write it: `aws.bedrock` and `amazon-bedrock`, `gcp.vertex_ai` and `vertex_ai`, `x-ai`, `xai.chat`.
 * Anthropic's models keep Anthropic's way of counting on other clouds, so that name comes first (`vertex.anthropic.messages`).
 */
export function providerFamily(provider: string | null): ProviderFamily {
  if (provider === null) return 'other';
  const known = FAMILIES.get(provider);
  if (known !== undefined) return known;
  const family = familyOf(provider);
  if (FAMILIES.size < MOST_REMEMBERED) FAMILIES.set(provider, family);
  return family;
}

/** Names that were asked for: a batch has thousands of events and a handful of providers. */
const FAMILIES = new Map<string, ProviderFamily>();
const MOST_REMEMBERED = 256;

function familyOf(provider: string): ProviderFamily {
  const name = provider.toLowerCase().replace(/[^a-z0-9]/g, '');
  if (name.includes('anthropic') || name.includes('claude')) return 'anthropic';
  if (name.includes('bedrock')) return 'bedrock';
  if (name.includes('google') || name.includes('gemini') || name.includes('vertex')) return 'google';
  if (name.startsWith('xai') || name.startsWith('grok')) return 'xai';
  return name.includes('perplexity') ? 'perplexity' : 'other';
}
