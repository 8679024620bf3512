import { registerEnumType } from '@nestjs/graphql';

export const PlanKinds = { PER_QUERY: 'PER_QUERY', SUBSCRIPTION: 'SUBSCRIPTION', CREDIT: 'CREDIT', SITE_LICENSE: 'SITE_LICENSE' } as const;
registerEnumType(PlanKinds, {
  name: 'PlanKind',
  valuesMap: {
    PER_QUERY: { description: 'Usage only, in arrears; no fee without usage.' },
    SUBSCRIPTION: { description: 'A recurring fee in advance, and usage over the allowance in arrears.' },
    CREDIT: { description: 'Credits bought up front or granted each interval; usage burns them.' },
    SITE_LICENSE: { description: 'A fixed fee for a term, unlimited use.' },
  },
});

export const BillingIntervals = { DAY: 'DAY', WEEK: 'WEEK', MONTH: 'MONTH', QUARTER: 'QUARTER', YEAR: 'YEAR' } as const;
registerEnumType(BillingIntervals, { name: 'BillingInterval' });

export const BillingAlignments = { ANNIVERSARY: 'ANNIVERSARY', CALENDAR: 'CALENDAR' } as const;
registerEnumType(BillingAlignments, {
  name: 'BillingAlignment',
  valuesMap: {
    ANNIVERSARY: { description: 'Periods are counted from the start of the subscription.' },
    CALENDAR: { description: "Periods are the customer's calendar days, weeks, months, quarters or years." },
  },
});

export const CreditExhaustions = { BLOCK: 'BLOCK', OVERAGE: 'OVERAGE', OVERDRAFT: 'OVERDRAFT' } as const;
registerEnumType(CreditExhaustions, {
  name: 'CreditExhaustion',
  valuesMap: {
    BLOCK: { description: 'The entitlement says no; what comes anyway is not charged and shows as leakage.' },
    OVERAGE: { description: 'Billed in arrears at a stated price per credit.' },
    OVERDRAFT: { description: 'A debt up to a limit, taken from the next grant.' },
  },
});

export const CreditsGrantedWhens = { FINALIZED: 'FINALIZED', PAID: 'PAID' } as const;
registerEnumType(CreditsGrantedWhens, {
  name: 'CreditsGrantedWhen',
  description: 'What the credits of a period wait for.',
  valuesMap: {
    FINALIZED: { description: 'Its invoice is finalized.' },
    PAID: { description: 'Its invoice is paid.' },
  },
});

export const OnLimits = { BLOCK: 'BLOCK', ALLOW: 'ALLOW' } as const;
registerEnumType(OnLimits, {
  name: 'OnLimit',
  description: 'What the entitlement check says once a limit is reached.',
  valuesMap: {
    BLOCK: { description: 'No.' },
    ALLOW: { description: 'Yes: what is used beyond it shows as `used` above `limit`.' },
  },
});

export const PlanStatuses = { DRAFT: 'DRAFT', PUBLISHED: 'PUBLISHED', ARCHIVED: 'ARCHIVED' } as const;
export type PlanStatus = keyof typeof PlanStatuses;
registerEnumType(PlanStatuses, {
  name: 'PlanStatus',
  description: 'Where a plan, as it is shown, stands.',
  valuesMap: {
    DRAFT: { description: 'Its terms may still change; nobody can subscribe to them.' },
    PUBLISHED: { description: 'Its terms never change; customers can subscribe to the newest version.' },
    ARCHIVED: { description: 'It takes no new subscriptions; those that there are go on.' },
  },
});
