export type { ClientHooks, DroppedEvent, DropReason, RejectedUsage } from './client-hooks.ts';
export { newEventKey } from './event-key.ts';
export type { SenderStats } from './event-sender.ts';
export { TareClient, type ClientStats, type FlushOptions, type TareClientOptions } from './tare-client.ts';
export { TareError } from './tare-error.ts';
export type { Fetch, FetchResponse } from './transport.ts';
export type { UsageRecorder, WrapperCounts } from './usage-scope.ts';
export type {
  DecimalText,
  EventOutcome,
  IngestResult,
  JsonObject,
  Money,
  RecordedEvent,
  RejectedEvent,
  Tokens,
  UsageAttributes,
  UsageEvent,
} from './wire.ts';
export type { CallAttributes, WrapOptions } from './wrap/observed-call.ts';
export { wrapAnthropic, type WrapAnthropicOptions } from './wrap/wrap-anthropic.ts';
export { wrapOpenAI, type WrapOpenAIOptions } from './wrap/wrap-openai.ts';
