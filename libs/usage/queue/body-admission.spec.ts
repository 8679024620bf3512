import { BodyAdmission } from './body-admission.ts';

const MEBIBYTE = 2 ** 20;

test('bodies of a flood fill its share and no more, while another tenant is let in', () => {
  const admission = new BodyAdmission(32 * MEBIBYTE);
  let taken = 0;
  expect(() => {
    for (; taken < 1_000; taken += 1) admission.admit('flood', MEBIBYTE);
  }).toThrow(expect.objectContaining({ code: 'OVERLOADED', retryAfterSeconds: 1 }));
  expect(taken).toBe(25);
  const small = admission.admit('small', MEBIBYTE);
  expect(admission.heldBytes).toBe(26 * MEBIBYTE);
  small.release();
  small.release();
  expect(admission.heldBytes).toBe(25 * MEBIBYTE);
});

test('a body of unknown length is counted as it comes, and refused in the midst of it', () => {
  const admission = new BodyAdmission(1_000);
  const body = admission.admit('a', 0);
  for (let i = 0; i < 8; i += 1) body.grow(100);
  expect(() => body.grow(100)).toThrow(expect.objectContaining({ code: 'OVERLOADED' }));
  expect([admission.heldBytes, admission.refused]).toEqual([800, 1]);
  body.release();
  body.grow(100);
  expect(admission.heldBytes).toBe(0);
});

test('while another tenant is active a flood has a smaller share, and has all of it back when the other has been quiet for a second', () => {
  let now = 0;
  const admission = new BodyAdmission(100, () => now);
  admission.admit('small', 1).release();
  const flood = admission.admit('flood', 20);
  expect(() => admission.admit('flood', 20)).toThrow(expect.objectContaining({ code: 'OVERLOADED' }));
  now += 1_001;
  admission.admit('flood', 50).release();
  flood.release();
  expect(admission.heldBytes).toBe(0);
});
