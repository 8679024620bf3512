import { registerEnumType } from '@nestjs/graphql';

export const CostStates = {
  REPORTED: 'REPORTED',
  PRICED: 'PRICED',
  PENDING: 'PENDING',
  UNPRICED: 'UNPRICED',
  NOT_COST_BEARING: 'NOT_COST_BEARING',
} as const;

registerEnumType(CostStates, {
  name: 'CostState',
  description: 'Where the cost of an event stands.',
  valuesMap: {
    REPORTED: { description: 'It came with the event.' },
    PRICED: { description: "By a rate of the tenant's or of the catalogue." },
    PENDING: {
      description:
        "Tokens on a pool: known when the pool's hour is closed, which no release does yet. Listed with the unpriced until then.",
    },
    UNPRICED: { description: 'Nobody knows a price: the cost is null, never 0.' },
    NOT_COST_BEARING: { description: 'The event names nothing that costs.' },
  },
});
