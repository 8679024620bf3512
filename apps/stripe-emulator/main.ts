import { startStripeEmulator } from './emulator.ts';

const port = Number(process.env['PORT'] ?? 0);
const dataFile = process.env['TARE_STRIPE_EMULATOR_DATA'];

const emulator = await startStripeEmulator({ port, dataFile: dataFile === undefined || dataFile === '' ? null : dataFile });

function stop(): void {
  void emulator.stop().then(() => process.exit(0));
}
process.once('SIGTERM', stop);
process.once('SIGINT', stop);

// The one line that a parent process waits for.
process.stdout.write(`${JSON.stringify({ listening: emulator.url })}\n`);
