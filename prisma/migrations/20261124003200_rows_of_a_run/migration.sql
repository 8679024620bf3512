-- A billing run writes a row of each of these for every invoice: an index of theirs that nothing is looked up by costs as much as one that is needed.

-- An announcement is the invoice and what happened to it; nothing names it otherwise.
ALTER TABLE invoice_outbox DROP CONSTRAINT invoice_outbox_pkey;
ALTER TABLE invoice_outbox DROP COLUMN id;
ALTER TABLE invoice_outbox ADD CONSTRAINT invoice_outbox_pkey PRIMARY KEY USING INDEX "invoice_outbox_tenant_id_invoice_id_kind_key";

-- A service period is its segment and its start. Corrections name periods by their id and find them among those of their subscription.
ALTER TABLE billing_period DROP CONSTRAINT billing_period_pkey;
ALTER TABLE billing_period ADD CONSTRAINT billing_period_pkey PRIMARY KEY USING INDEX "billing_period_tenant_id_segment_id_start_at_key";
