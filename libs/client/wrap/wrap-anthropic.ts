import type { UsageRecorder } from '../usage-scope.ts';
import { MESSAGES } from './anthropic-dialect.ts';
import { wrapClient } from './intercept-calls.ts';
import type { WrapOptions } from './observed-call.ts';

export type WrapAnthropicOptions<Params = Readonly<Record<string, unknown>>> = WrapOptions<Params>;

/**
 * A view of an Anthropic client (`@anthropic-ai/sdk`) that records usage: messages and beta.messages, with their helpers (parse, stream, toolRunner). The
 * client stays as it is; promises, streams and errors are the SDK's own. Nothing in here throws.
 */
export function wrapAnthropic<Client extends object>(client: Client, tare: UsageRecorder, options: WrapAnthropicOptions = {}): Client {
  return wrapClient(client, tare, options, {
    provider: 'anthropic',
    calls: { 'messages.create': MESSAGES, 'beta.messages.create': MESSAGES },
  });
}
