-- What one subscription has agreed beside its plan, pauses, and what a cancellation gives back (docs/decisions/0018).

ALTER TABLE "subscription_segment"
    ADD COLUMN "add_ons" JSONB NOT NULL DEFAULT '[]',
    ADD COLUMN "overrides" JSONB NOT NULL DEFAULT '[]',
    ADD COLUMN "paused" BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN "term_start_at" TIMESTAMPTZ(6);

ALTER TABLE "subscription"
    ADD COLUMN "credits_unused" BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN "pinned_at" TIMESTAMPTZ(6);

ALTER TABLE "customer" ADD COLUMN "discounts" JSONB NOT NULL DEFAULT '[]';

-- Which subscriptions run on a version: a migration asks for them page by page.
CREATE INDEX "subscription_segment_tenant_id_plan_version_id_idx" ON "subscription_segment"("tenant_id", "plan_version_id");
