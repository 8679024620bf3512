import { ANTHROPIC_USAGE } from './anthropic-usage.ts';
import type { ExportFormat } from './export-format.ts';
import { LITELLM_SPEND_LOGS } from './litellm-spend-logs.ts';
import { OPENAI_USAGE } from './openai-usage.ts';

/** What `tare import --format` knows beside csv and jsonl. */
export const EXPORT_FORMATS: ReadonlyMap<string, ExportFormat> = new Map([
  ['litellm-spend-logs', LITELLM_SPEND_LOGS],
  ['openai-usage', OPENAI_USAGE],
  ['anthropic-usage', ANTHROPIC_USAGE],
]);
