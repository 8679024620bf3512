import { isThenable } from '../client-hooks.ts';
import { isObject } from './response-facts.ts';

/** Hears of an answer while the application reads it. Its methods never throw. */
export interface AnswerObserver {
  body(body: Readonly<Record<string, unknown>>): void;
  chunk(chunk: Readonly<Record<string, unknown>>): void;
  end(): void;
}

/** What the SDKs' APIPromise is made of: the answer is parsed only when somebody asks for it, through this function. */
interface ParsingPromise {
  parseResponse: (this: unknown, ...args: unknown[]) => unknown;
  /** Makes a promise of this one, for what a helper makes of the answer. */
  readonly _thenUnwrap?: (this: unknown, transform: (data: unknown, ...rest: unknown[]) => unknown) => unknown;
}

/** What the SDKs' Stream is made of: iterating, splitting and converting it all begin with this function. */
interface SdkStream {
  iterator: () => AsyncIterator<unknown>;
  readonly controller?: AbortController;
}

/**
 * Observes what an SDK's method returned, in place: the application gets the same promise, which parses, splits and raw-reads as before. Nothing is
 * read that the application does not read. A promise of another make is listened to.
 */
export function observeAnswer(answer: unknown, observer: AnswerObserver): void {
  // What is parsed may come past twice: by itself, and on its way into a promise that is made of this one.
  const noted = new WeakSet<object>();
  const note = (data: unknown): unknown => {
    if (typeof data !== 'object' || data === null || noted.has(data)) return data;
    noted.add(data);
    return seen(data, observer);
  };
  if (isParsingPromise(answer)) {
    const { parseResponse: parse, _thenUnwrap: unwrap } = answer;
    answer.parseResponse = function (this: unknown, ...args) {
      const parsed = parse.apply(this, args);
      return isThenable(parsed) ? parsed.then(note) : note(parsed);
    };
    if (!unwrap) return;
    // Version 7 of the OpenAI SDK gives each promise a method of its own that does not come past parseResponse.
    const value = function (this: unknown, transform: (data: unknown, ...rest: unknown[]) => unknown): unknown {
      return unwrap.call(this, (data, ...rest) => transform(note(data), ...rest));
    };
    Object.defineProperty(answer, '_thenUnwrap', { value, writable: true, configurable: true, enumerable: false });
  } else if (isThenable(answer)) answer.then(note, () => undefined);
}

function seen(data: unknown, observer: AnswerObserver): unknown {
  if (isSdkStream(data)) observeStream(data, observer);
  else if (isObject(data)) observer.body(data);
  return data;
}

function observeStream(stream: SdkStream, observer: AnswerObserver): void {
  const iterate = stream.iterator;
  stream.iterator = function (this: unknown) {
    const iterator = iterate.call(this);
    observeIterator(iterator, observer);
    return iterator;
  };
  // An application that aborts may never ask for a chunk again.
  stream.controller?.signal.addEventListener('abort', () => observer.end(), { once: true });
}

/** The iterator itself stays: its methods also tell the observer what passes through. */
function observeIterator(iterator: AsyncIterator<unknown>, observer: AnswerObserver): void {
  for (const name of ['next', 'return', 'throw'] as const) {
    const method = (iterator as Partial<Record<typeof name, (...args: unknown[]) => Promise<IteratorResult<unknown>>>>)[name];
    if (!method) continue;
    const value = (...args: unknown[]): Promise<IteratorResult<unknown>> =>
      method.apply(iterator, args).then(
        (result) => {
          if (name === 'next' && !result.done) {
            if (isObject(result.value)) observer.chunk(result.value);
          } else observer.end();
          return result;
        },
        (error: unknown) => {
          observer.end();
          throw error;
        },
      );
    Object.defineProperty(iterator, name, { value, writable: true, configurable: true, enumerable: false });
  }
}

const isParsingPromise = (value: unknown): value is ParsingPromise =>
  isThenable(value) && typeof (value as Partial<ParsingPromise>).parseResponse === 'function';

const isSdkStream = (value: unknown): value is SdkStream =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Partial<SdkStream>).iterator === 'function' &&
  typeof (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function';
