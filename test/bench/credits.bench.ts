import { benchHotWallet } from './hot-wallet.ts';
import { startBenchPlatform } from './platform.ts';

/** Debits on one hot wallet. Prints a JSON line. TARE_BENCH_ROUNDS (5) and TARE_BENCH_SECONDS (3) make it shorter or longer. */
const platform = await startBenchPlatform();
try {
  await benchHotWallet(platform);
} finally {
  await platform.stop();
}
