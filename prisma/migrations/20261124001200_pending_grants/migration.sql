-- Up to which period a subscription's own credits were decided, and what usage waits for those that are still to come (docs/decisions/0024).
ALTER TABLE "credit_cursor" ADD COLUMN "granted_until" TIMESTAMPTZ(6);
ALTER TABLE "wallet" ADD COLUMN "waiting" JSONB NOT NULL DEFAULT '{}';
