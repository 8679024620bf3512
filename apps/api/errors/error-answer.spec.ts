import { jest } from '@jest/globals';
import { errorAnswer, statusOf } from './error-answer.ts';

const written: string[] = [];
beforeEach(() => {
  written.length = 0;
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
});
afterEach(() => jest.restoreAllMocks());

const failure = (message: string, code: string, more: object = {}): Error => Object.assign(new Error(message), { code, ...more });

test('a sender that goes away in the middle of its body is no fault of ours: nothing cries error in the log', () => {
  const answer = errorAnswer(failure('aborted', 'ECONNRESET'));
  expect([answer.code, statusOf(answer)]).toEqual(['REQUEST_CUT', 400]);
  expect(written).toEqual([]);
});

test('a connection that breaks on our side is told as INTERNAL and stands in the log under its id', () => {
  const answer = errorAnswer(failure('read ECONNRESET', 'ECONNRESET'));
  expect([answer.code, statusOf(answer)]).toEqual(['INTERNAL', 500]);
  expect(written.join('')).toContain(/under (\S+)\.$/.exec(answer.message)?.[1] ?? 'no id');
});

test('what is refused before it is read says what to send instead', () => {
  const tooLarge = errorAnswer(failure('Request body is too large', 'FST_ERR_CTP_BODY_TOO_LARGE', { statusCode: 413 }));
  expect([statusOf(tooLarge), tooLarge]).toEqual([
    413,
    { code: 'BODY_TOO_LARGE', message: expect.stringMatching(/in parts.*application\/x-ndjson/) },
  ]);
  const otherType = errorAnswer(failure('Unsupported Media Type', 'FST_ERR_CTP_INVALID_MEDIA_TYPE', { statusCode: 415 }));
  expect([statusOf(otherType), otherType]).toEqual([
    415,
    { code: 'UNSUPPORTED_MEDIA_TYPE', message: expect.stringMatching(/application\/json/) },
  ]);
});
