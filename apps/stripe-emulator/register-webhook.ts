import { type Account } from './account.ts';
import { type EmulatorState } from './emulator-state.ts';
import { type DeliveryTrouble, NO_TROUBLE, type WebhookEndpoint } from './objects/webhook-endpoint.ts';
import { invalidParameter } from './stripe-error.ts';
import { newWebhookEndpoint, requireUrl } from './webhook-endpoints.ts';

/**
 * Registers a URL with a secret of the caller's choice and with trouble on the way to it. A URL that is registered already
 * keeps its id and takes the new values, so a restarted demo doesn't get every event twice.
 */
export function registerWebhook(state: EmulatorState, account: Account, fields: Record<string, unknown>): WebhookEndpoint {
  const url = requireUrl(textOf(fields, 'url') ?? '');
  const events = fields['enabled_events'] ?? ['*'];
  if (!Array.isArray(events)) throw invalidParameter('enabled_events', 'enabled_events must be a list of event types');
  const existing = [...account.table('webhookEndpoints').values()].find((endpoint) => endpoint.url === url);
  const endpoint = existing ?? newWebhookEndpoint(Math.floor(state.nowMs() / 1000), url, ['*']);
  const tx = account.begin();
  const registered = tx.put('webhookEndpoints', {
    ...endpoint,
    enabled_events: events.map(String),
    secret: textOf(fields, 'secret') ?? endpoint.secret,
    trouble: readTrouble(fields),
  });
  state.commit(account, tx.changes());
  return registered;
}

function readTrouble(fields: Record<string, unknown>): DeliveryTrouble {
  return {
    duplicate: numberOf(fields, 'duplicate', 1) ?? NO_TROUBLE.duplicate,
    drop: numberOf(fields, 'drop', 1) ?? NO_TROUBLE.drop,
    reorder: numberOf(fields, 'reorder', 1000) ?? NO_TROUBLE.reorder,
    seed: numberOf(fields, 'seed', 2 ** 32) ?? NO_TROUBLE.seed,
  };
}

function textOf(fields: Record<string, unknown>, key: string): string | undefined {
  const value = fields[key];
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw invalidParameter(key, `${key} must be text`);
  return value;
}

function numberOf(fields: Record<string, unknown>, key: string, max: number): number | undefined {
  const value = fields[key];
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !(value >= 0 && value <= max)) throw invalidParameter(key, `${key} must be a number from 0 to ${max}`);
  return value;
}
