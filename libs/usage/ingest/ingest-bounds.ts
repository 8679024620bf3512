import { CodedError } from '@tare/core';

/** Events of one request, where nothing else is set. */
export const MAX_BATCH = 10_000;

/** What a process takes at once, set by whoever runs it (docs/limits.md). */
export class IngestBounds {
  /** Of one request. Event streams have no such limit: they are read piece by piece. */
  readonly bodyBytes: number;
  /** Of one request. */
  readonly batchEvents: number;
  /** Nested arrays and objects in a JSON body. */
  readonly jsonDepth: number;
  /** Events that wait or are being written. */
  readonly queueEvents: number;
  /** Characters of their contents. */
  readonly queueCharacters: number;
  /** Of request bodies that are being read or worked on, over all tenants. */
  readonly bodiesBytes: number;
  /** Of any one tenant, whatever it chose itself; null: none. */
  readonly eventsPerSecond: number | null;
  readonly requestsPerSecond: number | null;

  constructor(given: Partial<IngestBounds> = {}) {
    this.bodyBytes = given.bodyBytes ?? 16 * MEBIBYTE;
    this.batchEvents = given.batchEvents ?? MAX_BATCH;
    this.jsonDepth = given.jsonDepth ?? 64;
    this.queueEvents = given.queueEvents ?? 20_000;
    this.queueCharacters = given.queueCharacters ?? 64 * MEBIBYTE;
    this.bodiesBytes = given.bodiesBytes ?? 1.5 * this.bodyBytes;
    this.eventsPerSecond = given.eventsPerSecond ?? null;
    this.requestsPerSecond = given.requestsPerSecond ?? null;
  }

  /** @throws CodedError INVALID_SETTING, which names the variable and what it may be */
  static fromEnvironment(environment: Readonly<Record<string, string | undefined>>): IngestBounds {
    const given: { -readonly [Name in keyof IngestBounds]?: number } = {};
    for (const { name, variable, least, most } of VARIABLES) {
      const text = environment[variable];
      if (text === undefined || text === '') continue;
      const value = /^\d{1,12}$/.test(text) ? Number(text) : NaN;
      if (!(value >= least && value <= most)) {
        throw new CodedError('INVALID_SETTING', `${variable} has to be a whole number from ${least} to ${most}.`, variable);
      }
      given[name] = value;
    }
    return new IngestBounds(given);
  }
}

const MEBIBYTE = 2 ** 20;
const GIBIBYTE = 2 ** 30;

const VARIABLES: readonly { name: keyof IngestBounds; variable: string; least: number; most: number }[] = [
  { name: 'bodyBytes', variable: 'TARE_MAX_BODY_BYTES', least: 1_024, most: GIBIBYTE / 4 },
  { name: 'batchEvents', variable: 'TARE_MAX_BATCH', least: 1, most: 100_000 },
  { name: 'jsonDepth', variable: 'TARE_MAX_JSON_DEPTH', least: 8, most: 1_000 },
  { name: 'queueEvents', variable: 'TARE_QUEUE_EVENTS', least: 1_000, most: 1_000_000 },
  { name: 'queueCharacters', variable: 'TARE_QUEUE_CHARACTERS', least: MEBIBYTE, most: 4 * GIBIBYTE },
  { name: 'bodiesBytes', variable: 'TARE_BODIES_BYTES', least: MEBIBYTE, most: 4 * GIBIBYTE },
  { name: 'eventsPerSecond', variable: 'TARE_TENANT_EVENTS_PER_SECOND', least: 1, most: 1_000_000_000 },
  { name: 'requestsPerSecond', variable: 'TARE_TENANT_REQUESTS_PER_SECOND', least: 1, most: 1_000_000_000 },
];
