import type { SubscriptionView } from '@tare/customers';
import type { AttachedAddOn } from './agreement.types.ts';
import type { Subscription } from './subscriptions.types.ts';

/**
 * A subscription as the API shows it: what is agreed now stands beside all that is agreed. As values, not as field resolvers: Nest takes those of a type named
 * Subscription for the root of GraphQL subscriptions.
 */
export function subscriptionOfView(view: SubscriptionView): Subscription {
  const { segment, timeline } = view;
  return {
    ...view,
    seats: segment.seats,
    addOns: addOnsOf(segment),
    overrides: segment.overrides,
    trialEndsAt: segment.trialEnd !== null && segment.trialEnd > segment.start ? segment.trialEnd : null,
    segments: timeline.map((stretch) => ({ ...stretch, addOns: addOnsOf(stretch) })),
  };
}

function addOnsOf({ addOns }: SubscriptionView['segment']): AttachedAddOn[] {
  return addOns.map(({ planKey, quantity }) => ({ addOn: planKey, quantity }));
}
