import type { Instant, PlanKind, PlanTerms } from '@tare/core';
import type { PlanDraft } from './plan-draft.store.ts';
import type { PlanVersion } from './plan.store.ts';

/** A plan as the API shows it: the plan with what one of its versions, or its draft, says. */
export interface PlanView {
  /** Of the plan, the same for all versions. */
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly kind: PlanKind;
  /** ISO 4217. */
  readonly currency: string;
  /** Of a draft, what it would be if it were published now. */
  readonly version: number;
  /** Null for a draft. */
  readonly versionId: string | null;
  readonly terms: PlanTerms;
  /** Null for a draft. */
  readonly publishedAt: Instant | null;
  /** From when on the plan takes no new subscriptions, null: it does; undefined where it was not asked for. */
  readonly archivedAt?: Instant | null;
  /** When the plan (not the version) was made. */
  readonly createdAt: Instant;
}

/** What a published version says. */
export interface PublishedPlanView extends PlanView {
  readonly versionId: string;
  readonly publishedAt: Instant;
}

export function planViewOf(version: PlanVersion & { readonly archivedAt?: Instant | null }): PublishedPlanView {
  const { planId, planKey, planName, terms, versionId, publishedAt, archivedAt, createdAt } = version;
  return {
    id: planId,
    key: planKey,
    name: planName,
    kind: terms.kind,
    currency: terms.currency,
    version: version.version,
    versionId,
    terms,
    publishedAt,
    createdAt,
    ...(archivedAt === undefined ? {} : { archivedAt }),
  };
}

export function draftViewOf({ planId, planKey, planName, terms, version, archivedAt, createdAt }: PlanDraft): PlanView {
  const { kind, currency } = terms;
  return {
    id: planId,
    key: planKey,
    name: planName,
    kind,
    currency,
    version,
    versionId: null,
    terms,
    publishedAt: null,
    archivedAt,
    createdAt,
  };
}
