import { BillingService } from '@tare/billing';
import { parseInstant } from '@tare/core';
import { billingApp } from './billing-company.ts';
import { cpuSecondsOf, peakMemoryMiB } from './measure.ts';

/** One billing run in a process of its own, so that its memory is its own: `billing-run.js <database> <tenant> <asOf>`. Prints one line. */
const [url = '', tenantId = '', asOf = ''] = process.argv.slice(2);
const app = await billingApp(url);
const cpu = cpuSecondsOf(process.pid);
const began = performance.now();
const { invoicesFinalized, periodsClosed } = await app.get(BillingService, { strict: false }).run(tenantId, parseInstant(asOf));
process.stdout.write(
  `${JSON.stringify({
    invoicesFinalized,
    periodsClosed,
    seconds: (performance.now() - began) / 1000,
    cpuSeconds: cpuSecondsOf(process.pid) - cpu,
    peakMiB: peakMemoryMiB(process.pid),
  })}\n`,
);
await app.close();
