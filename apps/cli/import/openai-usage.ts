import { CodedError } from '@tare/core';
import type { Row } from './column-mapping.ts';
import type { ExportedEvent, ExportFormat } from './export-format.ts';
import { bucketKey, countOf, estimate, given, listOf, optionalTimeOf, serviceTierOf, textOf, timeOf } from './usage-bucket.ts';

const TYPES: Readonly<Record<string, string>> = {
  completions: 'llm.completion',
  embeddings: 'llm.embedding',
  moderations: 'llm.moderation',
};

/**
 * OpenAI's usage: pages of `/v1/organization/usage/completions` (and embeddings), the CSV that the dashboard exports, and its former activity export. A row is
 * the sum of a bucket's requests for what the export was grouped by.
 */
export const OPENAI_USAGE: ExportFormat = {
  customerFields: new Map([
    ['api-key', ['api_key_id']],
    ['project', ['project_id']],
    ['user', ['user_id', 'email', 'user_email']],
  ]),
  defaultCustomerBy: [],
  rowsOf,
  eventOf,
};

/** What the former activity export keeps beside its tokens: rows that are rejected by name rather than left out. */
const FORMER_LISTS = [
  'ft_data',
  'dalle_api_data',
  'whisper_api_data',
  'tts_api_data',
  'assistant_code_interpreter_data',
  'retrieval_storage_data',
];

function rowsOf(document: Row): readonly Row[] {
  if (Array.isArray(document['data']))
    return [...listOf(document['data']).flatMap(rowsOf), ...FORMER_LISTS.flatMap((name) => listOf(document[name]))];
  if (!Array.isArray(document['results'])) return [document];
  const { start_time, end_time } = document;
  return listOf(document['results']).map((result) => ({ ...result, start_time, end_time }));
}

function eventOf(row: Row): ExportedEvent | null {
  const input = countOf(row, 'input_tokens', 'n_context_tokens_total');
  const output = countOf(row, 'output_tokens', 'n_generated_tokens_total');
  const requests = countOf(row, 'num_model_requests', 'n_requests');
  if (input === undefined && output === undefined) return withoutTokens(row);
  if ((input ?? 0) + (output ?? 0) + (requests ?? 0) === 0) return null;
  const serviceTier = isBatch(row) ? 'batch' : serviceTierOf(textOf(row, 'service_tier'));
  const model = textOf(row, 'model', 'snapshot_id');
  const cacheRead = countOf(row, 'input_cached_tokens', 'n_cached_context_tokens_total') ?? 0;
  const cacheWrite5m = countOf(row, 'input_cache_write_tokens') ?? 0;
  return {
    key: bucketKey('openai-usage', row),
    type: typeOf(row),
    at: timeOf(row, 'start_time', 'start_time_iso', 'aggregation_timestamp', 'timestamp'),
    provider: 'openai',
    ...given({ model, serviceTier, user: textOf(row, 'user_id') }),
    tokens: given({
      input,
      output,
      cacheRead,
      cacheWrite5m,
      inputAudio: uncachedAudio(row, (input ?? 0) - cacheRead),
      outputAudio: countOf(row, 'output_audio_tokens'),
    }),
    properties: estimate(missingOf(model, serviceTier), {
      requests,
      bucketStart: timeOf(row, 'start_time', 'start_time_iso', 'aggregation_timestamp', 'timestamp'),
      bucketEnd: optionalTimeOf(row, 'end_time', 'end_time_iso'),
      projectId: textOf(row, 'project_id'),
      apiKeyId: textOf(row, 'api_key_id'),
    }),
  };
}

/** A bucket without usage has no columns but its time; anything else is usage of another kind, which is not dropped silently. */
function withoutTokens(row: Row): null {
  const isEmpty = Object.entries(row).every(
    ([name, value]) => value === null || value === '' || value === undefined || /^(start|end)_time(_iso)?$|^object$/.test(name),
  );
  if (isEmpty) return null;
  throw new CodedError(
    'USAGE_NOT_RECOGNISED',
    'This row counts no tokens. Import images, seconds, characters and sessions as CSV with --map quantity=COLUMN.',
  );
}

/**
 * Audio that was not read from the cache. OpenAI counts text, audio and images either with or without what was cached; which of the two, their sum tells.
 */
function uncachedAudio(row: Row, uncachedInput: number): number {
  const audio = countOf(row, 'input_audio_tokens') ?? 0;
  const cachedAudio = countOf(row, 'input_cached_audio_tokens') ?? 0;
  if (cachedAudio === 0) return audio;
  const sum = audio + (countOf(row, 'input_text_tokens') ?? 0) + (countOf(row, 'input_image_tokens') ?? 0);
  if (sum === uncachedInput) return audio;
  if (cachedAudio > audio) throw new CodedError('TOKEN_PARTS_EXCEED_TOTAL', 'More audio was cached than there was.', 'input_audio_tokens');
  return audio - cachedAudio;
}

function typeOf(row: Row): string {
  const kind = /^organization\.usage\.([a-z_]+)\.result$/.exec(textOf(row, 'object') ?? '')?.[1] ?? 'completions';
  const type = TYPES[textOf(row, 'operation') === 'embeddings' ? 'embeddings' : kind];
  if (type !== undefined) return type;
  throw new CodedError('USAGE_NOT_RECOGNISED', `Usage of ${kind} has no tokens that could be imported here.`, 'object');
}

const isBatch = (row: Row): boolean => row['batch'] === true || /^true$/i.test(textOf(row, 'batch') ?? '');

const missingOf = (model: string | undefined, serviceTier: string | undefined): string[] => [
  'promptSize',
  'requestTime',
  'reasoningTokens',
  ...(model === undefined ? ['model'] : []),
  ...(serviceTier === undefined ? ['serviceTier'] : []),
];
