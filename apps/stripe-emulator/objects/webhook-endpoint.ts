import { type Metadata } from '../params.ts';

/** How deliveries to an endpoint go wrong; probabilities in [0, 1]. */
export interface DeliveryTrouble {
  /** Delivered a second time. */
  duplicate: number;
  /** Never delivered: a sweep must find out. */
  drop: number;
  /** Events are gathered in groups of this size and each group is sent in another order; 0 keeps the order. */
  reorder: number;
  seed: number;
}

export const NO_TROUBLE: DeliveryTrouble = { duplicate: 0, drop: 0, reorder: 0, seed: 1 };

/** As stored: with its secret, which the API shows only once. */
export interface WebhookEndpoint {
  id: string;
  object: 'webhook_endpoint';
  api_version: string | null;
  application: null;
  created: number;
  description: string | null;
  enabled_events: string[];
  livemode: false;
  metadata: Metadata;
  secret: string;
  status: 'enabled' | 'disabled';
  trouble: DeliveryTrouble;
  url: string;
}
