import { CodedError } from '../coded-error.ts';
import { Decimal } from '../money/index.ts';
import type { Instant } from '../time/index.ts';
import type { ExhaustionTerms } from './exhaustion.ts';
import { compareGrants, isEffective, isLapsing, nextRevenue } from './grant-rules.ts';
import { usableLimits } from './usable-credits.ts';
import type { CreditLapse, Grant } from './grant.ts';

/** Some credits of one grant, with their part of the price paid. */
export interface TakenCredits {
  readonly grantId: string;
  readonly credits: Decimal;
  /** 12 decimals at most; all that is taken of a grant adds up to the price paid (SEMANTICS 1.6). */
  readonly revenue: Decimal;
}

/** Some credits of one grant that a reservation holds. */
export type HeldCredits = Pick<TakenCredits, 'grantId' | 'credits'>;

/** A debit as it was decided: what grants cover, what is owed and what is billed or leaks add up to it. */
export interface DecidedDebit {
  readonly taken: readonly TakenCredits[];
  readonly debt: Decimal;
  readonly uncovered: Decimal;
}

/** A grant whose rest moves while decisions are made. */
type OpenGrant = { -readonly [Key in keyof Grant]: Grant[Key] } & { reserved: Decimal };

/** Credits that lapse at an instant; fewer, as what was used before it lowers them. */
type OpenLapse = { -readonly [Key in keyof CreditLapse]: CreditLapse[Key] };

const BLOCKED: ExhaustionTerms = { creditExhaustion: 'BLOCK', overdraftLimit: null };

/**
 * A wallet in memory, on which debits and reservations are decided one after the other (SEMANTICS 7.2 - 7.7). Nothing is stored here: who keeps a wallet
 * writes what was decided, or throws the book away. The same opening and the same calls in the same order decide the same.
 */
export class WalletBook {
  private readonly ordered: readonly OpenGrant[];
  /** In order of time. */
  private readonly lapsing: readonly OpenLapse[];
  private readonly byId: ReadonlyMap<string, OpenGrant>;
  private owed: Decimal;
  /** What open reservations may still leave uncovered: room for debt is kept free for it. */
  private promised: Decimal;
  /** What could be used when somebody last asked, kept up while grants move: many ask at one instant. */
  private known: { readonly at: Instant; sum: Decimal } | null = null;

  /** `lapses`: what nothing at their instants or later may use of the grants (`lapsesOf`). */
  constructor(grants: readonly Grant[], debt = Decimal.ZERO, promisedDebt = Decimal.ZERO, lapses: readonly CreditLapse[] = []) {
    this.ordered = grants.map((grant) => ({ ...grant, reserved: grant.reserved ?? Decimal.ZERO })).sort(compareGrants);
    this.byId = new Map(this.ordered.map((grant) => [grant.id, grant]));
    this.owed = debt;
    this.promised = promisedDebt;
    this.lapsing = lapses.map((lapse) => ({ ...lapse })).sort((a, b) => a.at - b.at);
  }

  get debt(): Decimal {
    return this.owed;
  }

  get promisedDebt(): Decimal {
    return this.promised;
  }

  /** As they stand now, in the order in which they burn. */
  get grants(): readonly Grant[] {
    return this.ordered;
  }

  /** As they stand now. */
  get lapses(): readonly CreditLapse[] {
    return this.lapsing;
  }

  /** What each grant has left, by id. */
  remaining(): Map<string, Decimal> {
    return new Map(this.ordered.map(({ id, remaining }) => [id, remaining]));
  }

  availableAt(at: Instant): Decimal {
    if (this.known?.at === at) return this.known.sum;
    const limits = usableLimits(this.ordered, at, this.lapsing);
    let sum = Decimal.ZERO;
    for (const grant of this.ordered) if (isEffective(grant, at)) sum = sum.plus(limits.upTo(grant, grant.remaining));
    // What lapses makes it less than a sum of what grants have left.
    if (limits.isNone) this.known = { at, sum };
    return sum;
  }

  /** Burns as far as grants that are effective at `at` reach; `left` is what they did not cover. @throws CodedError NEGATIVE_NUMBER */
  burn(credits: Decimal, at: Instant): { taken: TakenCredits[]; left: Decimal } {
    const { held, left } = this.pick(credits, at);
    return { taken: held.map((part) => this.take(part, at)), left };
  }

  /**
   * Decides a debit by the plan's rule for what no grant covers (SEMANTICS 7.5): all of it, or null and nothing is taken. BLOCK, which is also what holds
   * without a plan, and an overdraft beyond its limit refuse. `ahead`: credits that are sure to come, which may be owed whatever the rule is; the grant that
   * brings them pays that debt.
   */
  debit(credits: Decimal, at: Instant, terms: ExhaustionTerms | null, ahead = Decimal.ZERO): DecidedDebit | null {
    const grant = this.ordered.find((one) => one.remaining.isPositive() && isEffective(one, at));
    // Nearly always the first one covers all of it.
    if (this.lapsing.length === 0 && grant !== undefined && grant.remaining.compare(credits) >= 0 && credits.isPositive()) {
      return { taken: [this.takeOf(grant, credits, at)], debt: Decimal.ZERO, uncovered: Decimal.ZERO };
    }
    const { held, left } = this.pick(credits, at);
    const rest = this.coverRest(left, terms ?? BLOCKED, ahead);
    if (rest === null) return null;
    this.owed = this.owed.plus(rest.debt);
    return { taken: held.map((part) => this.take(part, at)), ...rest };
  }

  /**
   * Takes for what has been done already: first of what a reservation held, which it has to have released, then of the balance. Nothing is refused: what a
   * debit would be refused for is uncovered (SEMANTICS 7.5, 7.7).
   */
  settle(
    credits: Decimal,
    at: Instant,
    terms: ExhaustionTerms | null,
    held: readonly HeldCredits[] = [],
    ahead = Decimal.ZERO,
  ): DecidedDebit {
    let left = credits;
    const taken: TakenCredits[] = [];
    for (const { grantId, credits: part } of held) {
      const own = Decimal.min(left, part);
      if (!own.isPositive()) break;
      taken.push(this.take({ grantId, credits: own }, at));
      left = left.minus(own);
    }
    const burnt = this.burn(left, at);
    taken.push(...burnt.taken);
    const debt = Decimal.min(burnt.left, this.roomForDebt(terms ?? BLOCKED, ahead));
    this.owed = this.owed.plus(debt);
    return { taken, debt, uncovered: burnt.left.minus(debt) };
  }

  /** Holds credits for later: null and nothing is held where a debit would be refused (SEMANTICS 7.7). */
  hold(
    credits: Decimal,
    at: Instant,
    terms: ExhaustionTerms | null,
    ahead = Decimal.ZERO,
  ): { held: HeldCredits[]; uncovered: Decimal; debt: Decimal } | null {
    const { held, left } = this.pick(credits, at);
    const rest = this.coverRest(left, terms ?? BLOCKED, ahead);
    if (rest === null) return null;
    for (const { grantId, credits: part } of held) this.moveToReserved(grantId, part);
    this.promised = this.promised.plus(rest.debt).plus(rest.uncovered);
    return { held, ...rest };
  }

  /** Ends a reservation: what it held is there again. */
  release(held: readonly HeldCredits[], promised: Decimal): void {
    for (const { grantId, credits } of held) this.moveToReserved(grantId, credits.negated());
    this.promised = this.promised.minus(promised);
  }

  private pick(credits: Decimal, at: Instant): { held: HeldCredits[]; left: Decimal } {
    if (credits.isNegative()) throw new CodedError('NEGATIVE_NUMBER', 'A demand for credits cannot be below zero.');
    const held: HeldCredits[] = [];
    const limits = usableLimits(this.ordered, at, this.lapsing);
    let left = credits;
    for (const grant of this.ordered) {
      if (!left.isPositive()) break;
      if (!grant.remaining.isPositive() || !isEffective(grant, at)) continue;
      const part = limits.upTo(grant, Decimal.min(left, grant.remaining));
      if (!part.isPositive()) continue;
      held.push({ grantId: grant.id, credits: part });
      left = left.minus(part);
    }
    return { held, left };
  }

  private coverRest(left: Decimal, terms: ExhaustionTerms, ahead: Decimal): Pick<DecidedDebit, 'debt' | 'uncovered'> | null {
    if (!left.isPositive()) return { debt: Decimal.ZERO, uncovered: Decimal.ZERO };
    const debt = Decimal.min(left, this.roomForDebt(terms, ahead));
    const uncovered = left.minus(debt);
    return uncovered.isZero() || terms.creditExhaustion === 'OVERAGE' ? { debt, uncovered } : null;
  }

  /** What may be owed beside what is owed and promised already: credits that are sure to come, and an overdraft. */
  private roomForDebt({ creditExhaustion, overdraftLimit }: ExhaustionTerms, ahead: Decimal): Decimal {
    const limit = creditExhaustion === 'OVERDRAFT' ? (overdraftLimit ?? Decimal.ZERO) : Decimal.ZERO;
    return Decimal.max(Decimal.ZERO, ahead.plus(limit).minus(this.owed).minus(this.promised));
  }

  /** What is used before credits lapse is that much less of them: of the first lapse, and what is beyond it of those after. */
  private lowerLapses(grant: Grant, credits: Decimal, at: Instant): void {
    let rest = credits;
    for (const lapse of this.lapsing) {
      if (lapse.at <= at || !isLapsing(grant, lapse)) continue;
      const absorbed = Decimal.min(rest, Decimal.max(Decimal.ZERO, lapse.credits));
      lapse.credits = lapse.credits.minus(rest);
      rest = rest.minus(absorbed);
      if (!rest.isPositive()) return;
    }
  }

  private take({ grantId, credits }: HeldCredits, at: Instant): TakenCredits {
    return this.takeOf(this.grant(grantId), credits, at);
  }

  private takeOf(grant: OpenGrant, credits: Decimal, at: Instant): TakenCredits {
    const revenue = nextRevenue(grant, credits);
    this.lower(grant, credits);
    if (this.lapsing.length > 0) this.lowerLapses(grant, credits, at);
    if (grant.priceUsed !== undefined) grant.priceUsed = grant.priceUsed.plus(revenue);
    return { grantId: grant.id, credits, revenue };
  }

  private moveToReserved(grantId: string, credits: Decimal): void {
    const grant = this.grant(grantId);
    this.lower(grant, credits);
    grant.reserved = grant.reserved.plus(credits);
  }

  private lower(grant: OpenGrant, credits: Decimal): void {
    grant.remaining = grant.remaining.minus(credits);
    if (this.known !== null && isEffective(grant, this.known.at)) this.known.sum = this.known.sum.minus(credits);
  }

  private grant(id: string): OpenGrant {
    const grant = this.byId.get(id);
    if (grant === undefined) throw new CodedError('INVARIANT_BROKEN', `There is no grant ${id} in the wallet.`);
    return grant;
  }
}
