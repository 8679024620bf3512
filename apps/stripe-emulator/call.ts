import { type Transaction } from './account.ts';
import { type Params } from './params.ts';
import { type Settings } from './settings.ts';

/** The version whose shapes are emulated, for calls that name none. */
export const DEFAULT_API_VERSION = '2026-10-28.endive';

/** One authenticated call of the API, its parameters decoded but not yet read. */
export interface Call {
  params: Params;
  /** The ids in the path, in order. */
  ids: readonly string[];
  tx: Transaction;
  /** Unix seconds by the emulator's clock. */
  now: number;
  requestId: string;
  idempotencyKey: string | null;
  apiVersion: string;
  /** This server's own address, for links in objects. */
  baseUrl: string;
  settings: Settings;
}

export type Json = object;

/**
 * A handler reads and validates parameters (errors there are not kept under the idempotency key, since nothing was executed)
 * and returns the execution (whose result is kept, errors included).
 */
export type Handler = (call: Call) => () => Json;
