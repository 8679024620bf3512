/** Names that LiteLLM has for providers, as the price catalogue calls them. Others keep their name, for the tenant's own rates. */
const PROVIDERS: ReadonlyMap<string, string> = new Map([
  ['openai', 'openai'],
  ['text-completion-openai', 'openai'],
  ['azure', 'azure'],
  ['azure_text', 'azure'],
  ['azure_ai', 'azure'],
  ['anthropic', 'anthropic'],
  ['anthropic_text', 'anthropic'],
  ['bedrock', 'aws'],
  ['bedrock_converse', 'aws'],
  ['bedrock_mantle', 'aws'],
  ['vertex_ai', 'google'],
  ['vertex_ai_beta', 'google'],
  ['gemini', 'google'],
  ['palm', 'google'],
  ['mistral', 'mistral'],
  ['codestral', 'mistral'],
  ['text-completion-codestral', 'mistral'],
  ['cohere', 'cohere'],
  ['cohere_chat', 'cohere'],
  ['together_ai', 'together'],
  ['fireworks_ai', 'fireworks'],
  ['xai', 'x-ai'],
  ['moonshot', 'moonshotai'],
  ['voyage', 'voyageai'],
  ['github_copilot', 'github-copilot'],
]);
/** How LiteLLM asks Bedrock for a model: part of the address, not of the model's name. */
const BEDROCK_ROUTES = ['converse/', 'invoke/', 'converse_like/'];
/**
 * Names that only their maker gives its models. The same models elsewhere go by other names: `anthropic.claude-...` on Bedrock, `claude-...@date` on Vertex AI.
 */
const MAKERS: readonly (readonly [RegExp, string])[] = [
  [/^(gpt-|chatgpt-|o[1-9](-|$)|text-embedding-(3|ada)|whisper-|tts-|dall-e-)[^@/]*$/, 'openai'],
  [/^claude-[^@/]*$/, 'anthropic'],
  [/^((us|us-gov|eu|apac|jp|au|global)\.)?(anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen)\.[a-z][^@/]*$/, 'aws'],
  [/^(gemini-[^@/]*|claude-[^@/]*@[^@/]*)$/, 'google'],
  [/^(mistral|ministral|codestral|magistral|devstral|pixtral)-[^@/]*$/, 'mistral'],
  [/^command-[^@/]*$/, 'cohere'],
  [/^deepseek-(chat|reasoner)$/, 'deepseek'],
  [/^grok-[^@/]*$/, 'x-ai'],
];

export interface LitellmModel {
  readonly provider: string | null;
  readonly model: string | null;
}

/** Our names for a model and who serves it, from `custom_llm_provider` and `model`, which newer versions write as provider/model. */
export function litellmModel(provider: string | null, model: string | null): LitellmModel {
  if (provider === null) return model === null ? { provider, model } : splitModel(model);
  const plain = model?.startsWith(`${provider}/`) ? model.slice(provider.length + 1) : model;
  return { provider: PROVIDERS.get(provider) ?? provider, model: plain === null ? null : withoutRoute(provider, plain) };
}

/** The provider that a model's name alone stands for; null where several serve models of such names. */
export function providerOfModelName(model: string): string | null {
  return MAKERS.find(([names]) => names.test(model))?.[1] ?? null;
}

/** `azure/gpt-4o` says where it runs, if it begins with a provider that we know. */
function splitModel(model: string): LitellmModel {
  const slash = model.indexOf('/');
  const prefix = model.slice(0, Math.max(slash, 0));
  return PROVIDERS.has(prefix) ? litellmModel(prefix, model) : { provider: null, model };
}

function withoutRoute(provider: string, model: string): string {
  const route = provider.startsWith('bedrock') ? BEDROCK_ROUTES.find((one) => model.startsWith(one)) : undefined;
  return model.slice(route?.length ?? 0);
}
