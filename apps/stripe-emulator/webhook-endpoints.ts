import { NO_TROUBLE, type WebhookEndpoint } from './objects/webhook-endpoint.ts';
import { randomBytes } from 'node:crypto';
import { type Call, type Handler } from './call.ts';
import { objectId } from './object-id.ts';
import { pageOf, readPage } from './pagination.ts';
import { mergeMetadata } from './params.ts';
import { invalidParameter, noSuch } from './stripe-error.ts';

export function wantsEvent(endpoint: WebhookEndpoint, type: string): boolean {
  return endpoint.status === 'enabled' && endpoint.enabled_events.some((wanted) => wanted === '*' || wanted === type);
}

export function newWebhookEndpoint(now: number, url: string, enabledEvents: string[]): WebhookEndpoint {
  return {
    id: objectId('we'),
    object: 'webhook_endpoint',
    api_version: null,
    application: null,
    created: now,
    description: null,
    enabled_events: enabledEvents,
    livemode: false,
    metadata: {},
    secret: `whsec_${randomBytes(24).toString('hex')}`,
    status: 'enabled',
    trouble: NO_TROUBLE,
    url,
  };
}

export const createWebhookEndpoint: Handler = (call) => {
  const url = requireUrl(call.params.requiredText('url'));
  const enabledEvents = call.params.texts('enabled_events');
  if (enabledEvents === undefined || enabledEvents.length === 0) {
    throw invalidParameter('enabled_events', 'Missing required param: enabled_events.', 'parameter_missing');
  }
  const description = call.params.text('description') ?? null;
  const apiVersion = call.params.text('api_version') ?? null;
  const metadata = mergeMetadata({}, call.params.metadata());
  return () => {
    const endpoint = newWebhookEndpoint(call.now, url, enabledEvents);
    const stored = call.tx.put('webhookEndpoints', { ...endpoint, description, api_version: apiVersion, metadata });
    return { ...view(stored), secret: stored.secret };
  };
};

export const updateWebhookEndpoint: Handler = (call) => {
  const url = call.params.text('url');
  const enabledEvents = call.params.texts('enabled_events');
  const disabled = call.params.boolean('disabled');
  const metadata = call.params.metadata();
  return () => {
    const before = requireEndpoint(call);
    return view(
      call.tx.put('webhookEndpoints', {
        ...before,
        url: url == null ? before.url : requireUrl(url),
        enabled_events: enabledEvents ?? before.enabled_events,
        status: disabled === undefined ? before.status : disabled ? 'disabled' : 'enabled',
        metadata: mergeMetadata(before.metadata, metadata),
      }),
    );
  };
};

export const retrieveWebhookEndpoint: Handler = (call) => () => view(requireEndpoint(call));

export const listWebhookEndpoints: Handler = (call) => {
  const page = readPage(call.params);
  return () => pageOf(call.tx.newestFirst('webhookEndpoints').map(view), page, '/v1/webhook_endpoints');
};

export const deleteWebhookEndpoint: Handler = (call) => () => {
  const { id } = requireEndpoint(call);
  call.tx.remove('webhookEndpoints', id);
  return { id, object: 'webhook_endpoint', deleted: true };
};

function requireEndpoint(call: Call): WebhookEndpoint {
  const [id = ''] = call.ids;
  const endpoint = call.tx.get('webhookEndpoints', id);
  if (endpoint === undefined) throw noSuch('webhook endpoint', id);
  return endpoint;
}

export function requireUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) throw invalidParameter('url', `Invalid URL: ${text}`, 'url_invalid');
  return text;
}

function view({ secret: _secret, trouble: _trouble, ...shown }: WebhookEndpoint): Omit<WebhookEndpoint, 'secret' | 'trouble'> {
  return shown;
}
