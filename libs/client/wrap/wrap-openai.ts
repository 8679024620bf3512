import type { UsageRecorder } from '../usage-scope.ts';
import { wrapClient } from './intercept-calls.ts';
import type { WrapOptions } from './observed-call.ts';
import { CHAT, EMBEDDINGS, RESPONSES } from './openai-dialects.ts';
import { isObject } from './response-facts.ts';

export interface WrapOpenAIOptions<Params = Readonly<Record<string, unknown>>> extends WrapOptions<Params> {
  /**
   * Asks for usage in streams of chat completions that do not ask themselves (`stream_options.include_usage`). OpenAI then sends one more chunk, without
   * choices. Off by default: such streams are counted in `missingUsage` and not recorded.
   */
  readonly includeUsage?: boolean;
}

const STREAMED_CHAT = new Set(['chat.completions.create', 'completions.create']);

/**
 * A view of an OpenAI client (the `openai` package, 4 and later) that records usage: chat.completions, responses, embeddings and completions, with their
 * helpers (parse, stream, runTools). The client stays as it is; promises, streams and errors are the SDK's own. Nothing in here throws.
 */
export function wrapOpenAI<Client extends object>(client: Client, tare: UsageRecorder, options: WrapOpenAIOptions = {}): Client {
  return wrapClient(client, tare, options, {
    provider: 'openai',
    calls: {
      'chat.completions.create': CHAT,
      'completions.create': CHAT,
      'responses.create': RESPONSES,
      'beta.responses.create': RESPONSES,
      'embeddings.create': EMBEDDINGS,
    },
    looks: { 'responses.retrieve': RESPONSES, 'responses.cancel': RESPONSES },
    ...(options.includeUsage ? { sent: askingForUsage } : {}),
  });
}

/** A copy of the parameters that asks for usage, where they leave that open. */
function askingForUsage(path: string, params: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const asked = isObject(params.stream_options) ? params.stream_options : {};
  if (!STREAMED_CHAT.has(path) || params.stream !== true || asked.include_usage !== undefined) return params;
  return { ...params, stream_options: { ...asked, include_usage: true } };
}
