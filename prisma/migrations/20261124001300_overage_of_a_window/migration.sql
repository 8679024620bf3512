-- What nothing covered in a span of time: a cap on spend counts it, whatever else the wallet's ledger holds.
CREATE INDEX "credit_posting_uncovered" ON "credit_posting" ("tenant_id", "customer_id", "at") WHERE "account" = 'UNCOVERED';
