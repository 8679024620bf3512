-- Indexes that a billing run writes for every invoice and line hold only the rows that are ever looked up by them.

-- Unique indexes that hold little but nulls are small, and before the first statistics of a new table the planner took them for the cheapest way to an
-- invoice: each look-up read all invoices of its tenant.
DROP INDEX "invoice_tenant_id_replaces_key";
CREATE UNIQUE INDEX "invoice_tenant_id_replaces_key" ON invoice("tenant_id", "replaces") WHERE "replaces" IS NOT NULL;
DROP INDEX "invoice_tenant_id_purchase_id_key";
CREATE UNIQUE INDEX "invoice_tenant_id_purchase_id_key" ON invoice("tenant_id", "purchase_id") WHERE "purchase_id" IS NOT NULL;

-- By status only drafts are looked for.
DROP INDEX "invoice_tenant_id_status_finalize_at_idx";
CREATE INDEX invoice_drafts ON invoice("tenant_id", "id") WHERE "status" = 'DRAFT';

-- By segment only corrections are.
DROP INDEX "invoice_line_tenant_id_segment_id_period_start_idx";
CREATE INDEX invoice_line_corrections ON invoice_line("tenant_id", "segment_id", "period_start") WHERE "kind" = 'DELTA';

-- A period is written when it opens and again when it closes, a month later: with room on its page the second time touches no index.
ALTER TABLE billing_period SET (fillfactor = 60);
