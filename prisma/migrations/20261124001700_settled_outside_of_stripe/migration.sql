-- The invoice was paid past Stripe, or written off, here: Stripe has to stop asking for it.
ALTER TABLE stripe_sync
    ADD COLUMN "pay_requested" BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN "write_off_requested" BOOLEAN NOT NULL DEFAULT false;
