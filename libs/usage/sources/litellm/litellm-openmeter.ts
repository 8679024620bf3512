import { optionalText, requireObject, type WireObject } from '@tare/core';
import { eventOfCloudEvent, keyOfCloudEvent } from '../cloudevents/cloud-event-decoder.ts';
import { readCloudEvent, type CloudEvent } from '../cloudevents/cloud-event.ts';
import type { Decoder, NativeEvent } from '../decoded-batch.ts';
import { litellmCost } from './litellm-cost.ts';
import { LITELLM_SOURCE } from './litellm-payload.ts';
import { litellmModel, providerOfModelName } from './litellm-provider.ts';
import { tokensOfLitellm } from './litellm-tokens.ts';

/** Fields of the data that LiteLLM's openmeter callback sends, which have a place of their own in an event. */
const PLACED: ReadonlySet<string> = new Set(['model', 'cost', 'prompt_tokens', 'completion_tokens', 'total_tokens']);

/**
 * Turns the CloudEvents of an OpenMeter client into native events. LiteLLM's have tokens and a model; the data of others becomes properties, for meters to
 * read. On Python before 3.11, LiteLLM writes its UTC clock without a zone.
 */
export const openMeterDecoder: Decoder = {
  decode(item) {
    const event = readCloudEvent(item, { zoneMayBeMissing: true });
    return event.source === LITELLM_SOURCE ? eventOfLitellmCallback(event) : eventOfCloudEvent(event, 'PROPERTIES');
  },
  keyOf: keyOfCloudEvent,
};

function eventOfLitellmCallback(event: CloudEvent): NativeEvent {
  const data = event.data === undefined ? {} : requireObject(event.data, 'data');
  const { provider, model } = litellmModel(null, optionalText(data.model, 'data.model'));
  const inferred = provider === null && model !== null ? providerOfModelName(model) : null;
  const properties = {
    ...rest(data),
    source: 'litellm',
    ...litellmCost(data.cost, false).properties,
    ...(inferred === null ? {} : { providerFrom: 'model name' }),
  };
  return {
    ...eventOfCloudEvent({ ...event, data: properties }, 'PROPERTIES'),
    model,
    provider: provider ?? inferred,
    tokens: tokensOfLitellm(data, 'data.'),
  };
}

function rest(data: WireObject): WireObject {
  return Object.fromEntries(Object.entries(data).filter(([name]) => !PLACED.has(name)));
}
