import { providerOfModelName } from '../litellm/litellm-provider.ts';

/** Names of providers in conventions (of today and before) and SDKs, as the price catalogue calls them. Others keep their name, for the tenant's own rates. */
const PROVIDERS: ReadonlyMap<string, string> = new Map([
  ...['openai'].map((name) => [name, 'openai'] as const),
  ...['azure', 'azure.ai.openai', 'azure.ai.inference', 'az.ai.openai', 'az.ai.inference', 'azure-openai', 'azure_openai'].map(azure),
  ...['anthropic', 'claude'].map((name) => [name, 'anthropic'] as const),
  ...['aws', 'aws.bedrock', 'aws_bedrock', 'bedrock', 'amazon-bedrock', 'amazon_bedrock', 'bedrock_converse'].map(aws),
  ...['gcp', 'gcp.gen_ai', 'gcp.gemini', 'gcp.vertex_ai', 'gemini', 'google', 'vertex', 'vertex_ai', 'vertexai', 'google-vertex'].map(
    google,
  ),
  ...['google_genai', 'google_vertexai', 'google-gla', 'google-vertex', 'generative-ai', 'google-generative-ai'].map(google),
  ...['mistral', 'mistral_ai', 'mistralai'].map((name) => [name, 'mistral'] as const),
  ...['x_ai', 'xai', 'x-ai', 'grok'].map((name) => [name, 'x-ai'] as const),
  ...['together', 'together_ai', 'togetherai'].map((name) => [name, 'together'] as const),
  ...['fireworks', 'fireworks_ai', 'fireworksai'].map((name) => [name, 'fireworks'] as const),
  ...['moonshot', 'moonshot_ai', 'moonshotai'].map((name) => [name, 'moonshotai'] as const),
  ...['voyage', 'voyage_ai', 'voyageai'].map((name) => [name, 'voyageai'] as const),
  ...['zai', 'z_ai', 'z.ai'].map((name) => [name, 'zai'] as const),
  ...['github_copilot', 'github-copilot'].map((name) => [name, 'github-copilot'] as const),
]);
/** Frameworks that name themselves where the provider should stand. */
const FRAMEWORKS: ReadonlySet<string> = new Set([
  ...['langchain', 'langgraph', 'llamaindex', 'llama_index', 'haystack', 'crewai', 'autogen', 'semantic_kernel', 'pydantic-ai'],
  ...['litellm', 'vercel', 'gateway', 'unknown', '_other'],
]);

function azure(name: string): readonly [string, string] {
  return [name, 'azure'];
}
function aws(name: string): readonly [string, string] {
  return [name, 'aws'];
}
function google(name: string): readonly [string, string] {
  return [name, 'google'];
}

/**
 * The catalogue's id of who serves a model, from what a span says: `gcp.gemini` is google, so is `google.vertex.chat` of the AI SDK. Where it says nothing, or only
 * names a framework, the model's name decides if it stands for one provider.
 */
export function providerOfSpan(name: string | null, model: string | null): string | null {
  const given = (name ?? '').toLowerCase();
  if (given === '' || FRAMEWORKS.has(given)) return model === null ? null : providerOfModelName(model);
  const [first = given] = given.split('.');
  return PROVIDERS.get(given) ?? PROVIDERS.get(first) ?? (isSdkName(given) ? first : given);
}

/** `groq.chat` of the AI SDK is groq; `ibm.watsonx.ai` is a name as it stands. */
function isSdkName(name: string): boolean {
  return /^[a-z0-9_-]+\.(chat|completion|embedding|responses|messages|image|transcription|speech)$/.test(name);
}
