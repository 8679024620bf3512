import { InvoiceRecomputation, InvoiceStore, lineHash } from '@tare/billing';
import type { TestWorld } from '../../libs/billing/world.fixture.ts';

/**
 * Every numbered invoice of a customer's subscriptions, void ones too, assembled again by `InvoiceRecomputation`: sentences about lines whose hash is not the
 * one of the issued line, and about totals that differ (SEMANTICS 8.4).
 */
export async function assembledOtherwise(tenant: TestWorld, customer: string): Promise<string[]> {
  const issued = (await tenant.invoices(customer)).filter(({ number, subscriptionId }) => number !== null && subscriptionId !== null);
  const differences: string[] = [];
  for (const { id, number, kind, status, currency, lines, total } of issued) {
    const again = await tenant.database.withTenant(tenant.tenantId, async (tx) => {
      const invoice = await tenant.get(InvoiceStore).byId(tx, id);
      if (invoice === null) throw new Error(`${number ?? ''} is gone`);
      return tenant.get(InvoiceRecomputation).recompute(tx, invoice);
    });
    const hashes = (own: readonly Parameters<typeof lineHash>[1][]): Map<string, string> =>
      new Map(
        own.map((line) => [`${line.kind} ${line.scopeKey} ${line.adjusts ?? ''} = ${line.amount.toString()}`, lineHash(currency, line)]),
      );
    const [was, is] = [hashes(lines), hashes(again.lines)];
    const names = new Set([...was.keys(), ...is.keys()]);
    const other = [...names].filter((name) => was.get(name) !== is.get(name));
    const which = (name: string): string => (is.has(name) ? (was.has(name) ? 'differs' : 'is new') : 'is gone');
    differences.push(...other.map((name) => `${number ?? ''} (${kind}, ${status}) ${name} ${which(name)}`));
    if (!again.total.equals(total))
      differences.push(`${number ?? ''} (${kind}, ${status}) comes to ${again.total.toString()}, not ${total.toString()}`);
  }
  return differences;
}
