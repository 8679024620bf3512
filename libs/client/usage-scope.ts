import { utf8Length } from './event-queue.ts';
import { newEventKey } from './event-key.ts';
import type { EventSender } from './event-sender.ts';
import { TareError } from './tare-error.ts';
import type { RecordedEvent, UsageAttributes } from './wire.ts';

/** What the wrappers count of calls whose usage could not be recorded. */
export interface WrapperCounts {
  /** Answers that told no usage: a stream of OpenAI without `stream_options.include_usage`, one that was aborted before it told. */
  missingUsage: number;
  /** Failures inside of a wrapper, an options function that threw included. The application did not notice. */
  wrapperFailures: number;
}

/** Takes events: a client, or a part of it that says some things once. */
export interface UsageRecorder {
  /**
   * Queues an event and answers its key; undefined where it was dropped instead (`onDrop` tells why). Never throws, never waits.
   * Key and time are made where they are left out.
   */
  record(event: RecordedEvent): string | undefined;
  /** A recorder whose events have these attributes where they don't say otherwise; `properties` are put together. */
  with(attributes: UsageAttributes): UsageRecorder;
  /** Where the wrappers count what could not be recorded; part of the client's stats. */
  readonly wrapperCounts: WrapperCounts;
}

/** Makes events complete and hands them to the sender. */
export class UsageScope implements UsageRecorder {
  constructor(
    private readonly sender: EventSender,
    readonly wrapperCounts: WrapperCounts,
    private readonly attributes: UsageAttributes = {},
  ) {}

  record(event: RecordedEvent): string | undefined {
    let key: string | undefined;
    try {
      key = event.key ?? newEventKey();
      const complete: RecordedEvent = { ...merged(this.attributes, event), key };
      const text = eventText(complete.at === undefined ? { ...complete, at: new Date() } : complete);
      return this.sender.add(key, text, utf8Length(text)) ? key : undefined;
    } catch (error) {
      const refusal =
        error instanceof TareError ? error : new TareError('INVALID', `no event can be made of it: ${String(error)}`, { cause: error });
      this.sender.refuse(key, event, refusal);
      return undefined;
    }
  }

  with(attributes: UsageAttributes): UsageScope {
    return new UsageScope(this.sender, this.wrapperCounts, merged(this.attributes, attributes));
  }
}

/** The JSON of an event, taken at once: what the caller changes later is not sent. */
function eventText(event: RecordedEvent): string {
  for (const field of ['key', 'customer', 'type'] as const) {
    const value: unknown = event[field];
    if (typeof value !== 'string' || value === '') throw new TareError('INVALID', `${field}: a text that is not empty is expected`);
  }
  return JSON.stringify(event);
}

/** Attributes of both; those of `more` first, but what is undefined says nothing. */
function merged<One extends UsageAttributes | RecordedEvent, Two extends UsageAttributes | RecordedEvent>(one: One, more: Two): One & Two {
  const both: Record<string, unknown> = { ...one };
  for (const [name, value] of Object.entries(more)) if (value !== undefined) both[name] = value;
  if (one.properties && more.properties) both.properties = { ...one.properties, ...more.properties };
  return both as One & Two;
}
