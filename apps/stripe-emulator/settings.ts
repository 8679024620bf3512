/** What tests may change while the emulator runs; not kept across a restart. */
export interface Settings {
  /** Search sees objects only after this time; Stripe's lags up to a minute. */
  searchLagMs: number;
  /** What automatic tax adds to each line without tax amounts, in percent (text, up to 4 decimals). */
  automaticTaxPercent: string;
  /** Waits before the second, third, ... delivery of a webhook that was not answered with 2xx; after the last it is given up. */
  webhookRetryDelaysMs: readonly number[];
}

export const DEFAULT_SETTINGS: Settings = {
  searchLagMs: 60_000,
  automaticTaxPercent: '0',
  webhookRetryDelaysMs: [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800],
};
