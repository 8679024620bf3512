import { CodedError } from '../coded-error.ts';
import { QUANTITY_PRECISION } from '../money/index.ts';
import { fieldPath, parseMatch, parseOptional, requireKey } from './parse-fields.ts';
import type { PlanFeatureInput, PlanInput } from './plan-input.ts';
import { requireMeter } from './plan-meters.ts';
import type { PlanMeters } from './plan-meters.ts';
import type { PlanFeature } from './price.ts';

const MOST_FEATURES = 500;

/** @throws CodedError DUPLICATE_FEATURE_KEY | FEATURE_FIELD_MISSING | UNKNOWN_METER | TOO_MANY | KEY_MISSING | KEY_TOO_LONG, those of parseMatch */
export function parseFeatures({ features }: PlanInput, meters: PlanMeters): PlanFeature[] {
  const inputs = features ?? [];
  if (inputs.length > MOST_FEATURES) throw new CodedError('TOO_MANY', `At most ${MOST_FEATURES} features are allowed here.`, 'features');
  const seen = new Set<string>();
  return inputs.map((input, index) => {
    const feature = parseFeature(input, `features[${index}]`, meters);
    if (seen.has(feature.key)) {
      throw new CodedError('DUPLICATE_FEATURE_KEY', 'Each feature of a plan has its own key.', `features[${index}].key`);
    }
    seen.add(feature.key);
    return feature;
  });
}

function parseFeature(input: PlanFeatureInput, path: string, meters: PlanMeters): PlanFeature {
  const at = fieldPath(path);
  const key = requireKey(input.key, at('key'));
  const limit = parseOptional(input.limit, at('limit'), QUANTITY_PRECISION);
  const needs = (given: boolean, field: 'meter' | 'limit', why: string): void => {
    if (given && (input[field] ?? null) === null) throw new CodedError('FEATURE_FIELD_MISSING', why, at(field));
  };
  needs(limit !== null, 'meter', 'A limit needs a meter that counts against it.');
  needs((input.match ?? []).length > 0, 'meter', 'match says which usage of a meter counts: name the meter.');
  needs(input.limitPerSeat === true, 'limit', 'There is no limit that could be per seat.');
  return {
    key,
    name: (input.name ?? '') === '' ? key : requireKey(input.name ?? '', at('name')),
    enabled: input.enabled ?? true,
    meter: (input.meter ?? null) === null ? null : requireMeter(input.meter ?? '', meters, at('meter')).key,
    match: parseMatch(input.match ?? [], at('match')),
    limit,
    limitPerSeat: input.limitPerSeat ?? false,
    onLimit: input.onLimit ?? 'BLOCK',
  };
}
