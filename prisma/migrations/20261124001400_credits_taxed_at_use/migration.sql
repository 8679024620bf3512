-- Credits that were sold without tax: what usage burns of them is taxed by the invoice that closes its period (SEMANTICS 8.6).
ALTER TABLE "credit_grant" ADD COLUMN "taxed_at_use" BOOLEAN NOT NULL DEFAULT false;
CREATE INDEX "credit_grant_taxed_at_use" ON "credit_grant" ("tenant_id", "customer_id") WHERE "taxed_at_use";
