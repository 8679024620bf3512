import { Fraction, greatest, least } from './fraction.ts';

/** A grant of a case: decimals are text, times whole numbers. */
export interface CaseGrant {
  readonly id: string;
  readonly credits: string;
  /** For all of them; null: nothing was paid. */
  readonly paid: string | null;
  readonly priority: number;
  readonly effectiveAt: number;
  readonly expiresAt: number | null;
  readonly promotional: boolean;
  readonly createdAt: number;
}

export interface CaseTerms {
  readonly creditExhaustion: 'BLOCK' | 'OVERAGE' | 'OVERDRAFT';
  readonly overdraftLimit: string | null;
}

/** What happens to a wallet. A reservation is named by its place among the steps. */
export type WalletStep =
  | { readonly kind: 'BURN' | 'DEBIT' | 'RESERVE'; readonly credits: string; readonly at: number }
  | { readonly kind: 'COMMIT'; readonly reservation: number; readonly credits: string; readonly at: number }
  | { readonly kind: 'RELEASE'; readonly reservation: number };

interface OpenGrant extends CaseGrant {
  left: Fraction;
  held: Fraction;
}

interface Part {
  readonly grant: OpenGrant;
  readonly credits: Fraction;
}

const TWELFTH = Fraction.of(1n, 10n ** 12n);
const price = ({ paid, credits }: CaseGrant): Fraction => Fraction.read(paid ?? '0').over(Fraction.read(credits));

/** A wallet, written down from SEMANTICS 7.2 to 7.9 and 1.6 in fractions: which grant is burnt, what that earns, what is owed or refused. */
export class WalletOracle {
  private readonly grants: OpenGrant[];
  private readonly reservations = new Map<number, { parts: Part[]; debt: Fraction }>();
  private owed = Fraction.ZERO;
  private promised = Fraction.ZERO;

  constructor(
    grants: readonly CaseGrant[],
    private readonly terms: CaseTerms,
  ) {
    this.grants = grants.map((grant) => ({ ...grant, left: Fraction.read(grant.credits), held: Fraction.ZERO })).sort(before);
  }

  /** Answers what happened as text; null: refused, and nothing is changed. */
  take(step: WalletStep, place: number): string | null {
    switch (step.kind) {
      case 'BURN': {
        const { parts, open } = this.pick(Fraction.read(step.credits), step.at);
        return written(this.burn(parts), Fraction.ZERO, open);
      }
      case 'DEBIT':
      case 'RESERVE':
        return this.debit(step, place);
      case 'COMMIT':
        return this.commit(step);
      case 'RELEASE':
        this.release(step.reservation);
        return 'released';
      default:
        return step satisfies never;
    }
  }

  /** What is left of each grant, in the order in which they burn, and what is owed. */
  standing(): string {
    return [...this.grants.map(({ id, left, held }) => `${id} ${left.toString()} ${held.toString()}`), this.owed.toString()].join(', ');
  }

  private debit({ kind, credits, at }: Extract<WalletStep, { kind: 'BURN' | 'DEBIT' | 'RESERVE' }>, place: number): string | null {
    const { parts, open } = this.pick(Fraction.read(credits), at);
    const { creditExhaustion } = this.terms;
    if (open.isPositive && (creditExhaustion === 'BLOCK' || (creditExhaustion === 'OVERDRAFT' && open.compare(this.room()) > 0)))
      return null;
    const debt = creditExhaustion === 'OVERDRAFT' ? open : Fraction.ZERO;
    const uncovered = open.minus(debt);
    if (kind === 'DEBIT') {
      this.owed = this.owed.plus(debt);
      return written(this.burn(parts), debt, uncovered);
    }
    for (const part of parts) this.hold(part, part.credits);
    this.promised = this.promised.plus(debt);
    this.reservations.set(place, { parts, debt });
    return written(
      parts.map(({ grant, credits: held }) => `${grant.id} ${held.toString()}`),
      debt,
      uncovered,
    );
  }

  /** First of what was held, then of the balance; nothing is refused. */
  private commit({ reservation, credits, at }: Extract<WalletStep, { kind: 'COMMIT' }>): string {
    const held = this.release(reservation);
    let open = Fraction.read(credits);
    const taken: string[] = [];
    for (const { grant, credits: part } of held) {
      const own = least(part, open);
      if (own.isPositive) taken.push(...this.burn([{ grant, credits: own }]));
      open = open.minus(own);
    }
    const rest = this.pick(open, at);
    taken.push(...this.burn(rest.parts));
    const room = this.terms.creditExhaustion === 'OVERDRAFT' ? greatest(Fraction.ZERO, this.room()) : Fraction.ZERO;
    const debt = least(rest.open, room);
    this.owed = this.owed.plus(debt);
    return written(taken, debt, rest.open.minus(debt));
  }

  private release(reservation: number): readonly Part[] {
    const found = this.reservations.get(reservation);
    if (found === undefined) throw new Error(`there is no reservation ${reservation}`);
    this.reservations.delete(reservation);
    for (const part of found.parts) this.hold(part, part.credits.negated());
    this.promised = this.promised.minus(found.debt);
    return found.parts;
  }

  private hold({ grant }: Part, credits: Fraction): void {
    grant.left = grant.left.minus(credits);
    grant.held = grant.held.plus(credits);
  }

  /** Of grants that are effective; at its expiry one is gone. */
  private pick(credits: Fraction, at: number): { parts: Part[]; open: Fraction } {
    let open = credits;
    const parts: Part[] = [];
    for (const grant of this.grants) {
      if (grant.effectiveAt > at || (grant.expiresAt !== null && grant.expiresAt <= at)) continue;
      const part = least(open, grant.left);
      if (part.isPositive) parts.push({ grant, credits: part });
      open = open.minus(part);
    }
    return { parts, open };
  }

  private burn(parts: readonly Part[]): string[] {
    return parts.map(({ grant, credits }) => {
      const gone = Fraction.read(grant.credits).minus(grant.left).minus(grant.held);
      grant.left = grant.left.minus(credits);
      const earned = earnedBy(grant, gone.plus(credits)).minus(earnedBy(grant, gone));
      return `${grant.id} ${credits.toString()} for ${earned.toString()}`;
    });
  }

  private room(): Fraction {
    return Fraction.read(this.terms.overdraftLimit ?? '0')
      .minus(this.owed)
      .minus(this.promised);
  }
}

/** What so many of its credits have earned: all of them the price paid. */
function earnedBy(grant: CaseGrant, credits: Fraction): Fraction {
  return credits.compare(Fraction.read(grant.credits)) === 0
    ? Fraction.read(grant.paid ?? '0')
    : price(grant).times(credits).rounded(TWELFTH);
}

/** Lower priority, soonest expiry, promotional, lower price for one, oldest, id. */
function before(a: CaseGrant, b: CaseGrant): number {
  return (
    a.priority - b.priority ||
    (a.expiresAt ?? Number.MAX_SAFE_INTEGER) - (b.expiresAt ?? Number.MAX_SAFE_INTEGER) ||
    Number(b.promotional) - Number(a.promotional) ||
    price(a).compare(price(b)) ||
    a.createdAt - b.createdAt ||
    (a.id < b.id ? -1 : 1)
  );
}

const written = (parts: readonly string[], debt: Fraction, uncovered: Fraction): string =>
  `${parts.join(', ')}; ${debt.toString()} owed, ${uncovered.toString()} not covered`;
