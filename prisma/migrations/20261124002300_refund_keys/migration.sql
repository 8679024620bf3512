-- Refunds that were asked for under a key: the same again is answered, not done twice. { key: credits, or "all" }
ALTER TABLE "credit_purchase" ADD COLUMN "refund_keys" jsonb NOT NULL DEFAULT '{}';
