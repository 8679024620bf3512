#!/usr/bin/env node
import { Command } from 'commander';
import { demo } from './demo/demo.ts';
import { importCommand } from './import/import-command.ts';
import { start } from './start.ts';

const program = new Command('tare').description('Usage metering and billing for AI companies: true cost, plans, invoices, margin.');

program.command('start').description('Start everything: database (embedded unless DATABASE_URL is set), API, worker.').action(start);

program
  .command('demo')
  .description('A made-up company with two months of usage: billed, synced to the Stripe emulator, and its margins.')
  .option('--once', 'end after the report instead of serving on')
  .option('--events <count>', 'how many usage events to make', '300000')
  .action(demo);

program.addCommand(importCommand());

try {
  await program.parseAsync();
} catch (error) {
  console.error(`tare: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
