interface RandomSource {
  getRandomValues(bytes: Uint8Array): Uint8Array;
}

const POOL_BYTES = 1_024;
/** The counter stands in the 12 bits after the version and the 30 bits after the variant. */
const COUNTER_LIMIT = 2 ** 42;
const COUNTER_LOW = 2 ** 30;
const TIME_LIMIT = 2 ** 47;
const NODE_CRYPTO = 'node:crypto';

/** Node 18 has Web Crypto as a module only. Loaded beside the start, so that nothing waits for it and no bundler sees it. */
let random = (globalThis as { crypto?: RandomSource }).crypto;
if (!random) {
  import(/* webpackIgnore: true */ /* @vite-ignore */ NODE_CRYPTO).then(
    (module: { webcrypto?: RandomSource }) => (random = module.webcrypto),
    () => undefined,
  );
}

let pool = new Uint8Array(0);
let used = 0;
let lastMs = -1;
let counter = 0;

/**
 * A new key for an event: a UUIDv7 (RFC 9562) in lower case, whose order Tare's index keeps. Of one process every key is greater than the one
 * before, also within a millisecond and when the clock goes back: the random part is counted up by steps of random size.
 */
export function newEventKey(nowMs: number = Date.now()): string {
  const ms = nowMs > 0 ? Math.floor(nowMs) % TIME_LIMIT : 0;
  if (ms > lastMs) start(ms);
  else {
    counter += 1 + (random32() & 0xff);
    if (counter >= COUNTER_LIMIT) start(lastMs + 1);
  }
  const time = hex(lastMs, 12);
  const high = hex(0x7000 + Math.floor(counter / COUNTER_LOW), 4);
  const low = counter % COUNTER_LOW;
  const variant = hex(0x8000 + Math.floor(low / 2 ** 16), 4);
  return `${time.slice(0, 8)}-${time.slice(8)}-${high}-${variant}-${hex(low % 2 ** 16, 4)}${hex(random32(), 8)}`;
}

/** The counter begins in its lower half, so that a millisecond has room for more keys than can be made in it. */
function start(ms: number): void {
  lastMs = ms;
  counter = random32() * 2 ** 9 + (random32() & 0x1ff);
}

function random32(): number {
  if (used + 4 > pool.length) refill();
  const value = new DataView(pool.buffer).getUint32(used);
  used += 4;
  return value;
}

/** Only Node 18 comes past Web Crypto, for its first few milliseconds: Math.random is seeded by the system there, once per process. */
function refill(): void {
  pool = new Uint8Array(POOL_BYTES);
  used = 0;
  if (random) random.getRandomValues(pool);
  else for (let i = 0; i < POOL_BYTES; i++) pool[i] = Math.floor(Math.random() * 256);
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
