import { createHash } from 'node:crypto';

/** Whole numbers below a bound, the same for the same seed. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

export interface ChaosEvent {
  readonly key: string;
  readonly customer: string;
  readonly type: string;
  readonly at: string;
  readonly provider: string;
  readonly model: string;
  /** Tenths of it, so that sums of it are exact here too. */
  readonly quantity: string;
  readonly tokens: { readonly input: number; readonly output: number };
  readonly user: string;
  /** A whole number as text. */
  readonly properties: { readonly size: string };
}

/** What is done to an event after it was acknowledged: cancelled, or replaced by the contents of a revision. */
export type ChaosCorrection = { readonly kind: 'VOID' } | { readonly kind: 'AMEND'; readonly revision: number };

/** Over four days on both sides of a month's end. */
const FIRST_AT = Date.parse('2026-03-30T00:00:00Z');
const SPAN_MS = 4 * 86_400_000;
const CUSTOMERS = 40;
/** Of five, one never gets a price. */
const MODELS = 5;
const USERS = 50_000;
const LARGEST_SIZE = 1_000_000;
export const SPAN_START = new Date(FIRST_AT).toISOString();
export const SPAN_END = new Date(FIRST_AT + SPAN_MS).toISOString();
export const PRICED_MODELS = ['lab-0', 'lab-1', 'lab-2', 'lab-3'];

const VOID: ChaosCorrection = { kind: 'VOID' };
const amendTo = (revision: number): ChaosCorrection => ({ kind: 'AMEND', revision });
/** Of a thousand events, how many have this fate. */
const FATES: readonly { readonly share: number; readonly corrections: readonly ChaosCorrection[] }[] = [
  { share: 25, corrections: [VOID] },
  { share: 25, corrections: [amendTo(1)] },
  { share: 6, corrections: [amendTo(1), amendTo(2)] },
  { share: 6, corrections: [amendTo(1), VOID] },
];
const NO_CORRECTIONS: readonly ChaosCorrection[] = [];
/** Far apart, so that the numbers of revisions and fates are not those of another event. */
const REVISION_STEP = 0x9e3779b9;
const FATE_STEP = 0x51ed270b;
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** The events of a seed: the nth one is always the same, so that sending it again is a repeat. */
export class ChaosEvents {
  constructor(
    readonly count: number,
    private readonly seed: number,
    private readonly shareOutOfOrder = 0.1,
  ) {}

  /** @param revision 0 as it first comes; above, what an amendment puts in its place: under the same key, anything else may differ. */
  at(index: number, revision = 0): ChaosEvent {
    const random = seeded(this.seed * 1_000_003 + index + revision * REVISION_STEP);
    const inOrder = Math.floor((index / this.count) * SPAN_MS);
    const late = revision > 0 || random(1_000) < this.shareOutOfOrder * 1_000 ? random(inOrder + 1) : 0;
    return {
      key: keyOf(index, this.seed, FIRST_AT + inOrder),
      customer: `customer-${random(CUSTOMERS)}`,
      type: 'llm.completion',
      at: new Date(FIRST_AT + inOrder - late).toISOString(),
      provider: 'own-lab',
      model: `lab-${random(MODELS)}`,
      quantity: `${random(100)}.${random(10)}`,
      tokens: { input: random(10_000), output: random(3_000) },
      user: `user-${random(USERS)}`,
      properties: { size: `${random(LARGEST_SIZE)}` },
    };
  }

  /** What is done to the event, in this order. */
  correctionsOf(index: number): readonly ChaosCorrection[] {
    let left = seeded(this.seed * 1_000_003 + index + FATE_STEP)(1_000);
    for (const { share, corrections } of FATES) {
      if (left < share) return corrections;
      left -= share;
    }
    return NO_CORRECTIONS;
  }

  /** How it ends: the revision that is the last, and whether that one is cancelled. */
  endOf(index: number): { readonly revision: number; readonly isVoided: boolean } {
    const corrections = this.correctionsOf(index);
    const amendments = corrections.filter(({ kind }) => kind === 'AMEND').length;
    return { revision: amendments, isVoided: corrections.length > amendments };
  }

  /** All events that count in the end. */
  *counted(): Generator<ChaosEvent> {
    for (let index = 0; index < this.count; index += 1) {
      const { revision, isVoided } = this.endOf(index);
      if (!isVoided) yield this.at(index, revision);
    }
  }
}

/** A third each: UUIDs of version 7, ULIDs, and texts without an order. */
function keyOf(index: number, seed: number, milliseconds: number): string {
  if (index % 3 === 2) return `event ${seed}/${index}`;
  const hash = createHash('sha256').update(`${seed} ${index}`).digest();
  if (index % 3 === 0) {
    const hex = milliseconds.toString(16).padStart(12, '0') + hash.toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(12, 15)}-a${hex.slice(15, 18)}-${hex.slice(18, 30)}`;
  }
  const time = [...Array(10).keys()].map((i) => CROCKFORD[Math.floor(milliseconds / 32 ** (9 - i)) % 32] ?? '0');
  return `${time.join('')}${[...hash.subarray(0, 16)].map((byte) => CROCKFORD[byte % 32] ?? '0').join('')}`;
}
