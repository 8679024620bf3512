import { observeAnswer } from './observe-answer.ts';

type Transform = (data: unknown) => unknown;

/** An APIPromise as version 7 of the OpenAI SDK makes it: what is made of it does not come past parseResponse. */
class ParsingPromise extends Promise<unknown> {
  parseResponse: () => Promise<unknown> = () => Promise.resolve({ id: 'c1' });
  _thenUnwrap: (transform: Transform) => Promise<unknown> = (transform) => Promise.resolve({ id: 'c1' }).then(transform);
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }
}
const observer = (): { heard: unknown[]; body: (body: unknown) => void; chunk: (chunk: unknown) => void; end: () => void } => {
  const heard: unknown[] = [];
  return { heard, body: (body) => heard.push(body), chunk: (chunk) => heard.push(chunk), end: () => undefined };
};

test('an answer is heard however the SDK passes it on, and comes through as it is', async () => {
  for (const read of [
    (promise: ParsingPromise) => promise.parseResponse(),
    (promise: ParsingPromise) => promise._thenUnwrap((data) => data),
  ]) {
    const promise = new ParsingPromise((resolve) => resolve(null));
    const listening = observer();
    observeAnswer(promise, listening);
    expect(listening.heard).toEqual([]);
    const data = await read(promise);
    expect(listening.heard).toEqual([{ id: 'c1' }]);
    expect(listening.heard[0]).toBe(data);
  }
});

test('a promise of another make is listened to, one that fails included', async () => {
  const listening = observer();
  observeAnswer(Promise.resolve({ id: 'c2' }), listening);
  const failing = Promise.reject(new Error('theirs'));
  observeAnswer(failing, listening);
  observeAnswer('no promise', listening);
  await expect(failing).rejects.toThrow('theirs');
  expect(listening.heard).toEqual([{ id: 'c2' }]);
});
