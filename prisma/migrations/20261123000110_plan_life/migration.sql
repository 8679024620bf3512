-- The terms of a plan's next version until they are published: the only terms that may still change (SEMANTICS 4.9).
CREATE TABLE "plan_draft" (
    "tenant_id" UUID NOT NULL,
    "plan_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "terms" JSONB NOT NULL,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "plan_draft_pkey" PRIMARY KEY ("tenant_id","plan_id")
);
ALTER TABLE "plan_draft" ADD CONSTRAINT "plan_draft_tenant_id_plan_id_fkey" FOREIGN KEY ("tenant_id", "plan_id") REFERENCES "plan"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;
SELECT tare_protect('plan_draft');

-- An archived plan takes no new subscriptions; those that there are go on.
ALTER TABLE "plan" ADD COLUMN "archived_at" TIMESTAMPTZ(6);

-- Discounts that customers redeem by a key.
CREATE TABLE "coupon" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "percent_off" DECIMAL,
    "amount_off" DECIMAL,
    "currency" TEXT,
    "prices" TEXT[],
    "add_ons" TEXT[],
    "applies_to" TEXT NOT NULL,
    "periods" INTEGER,
    "until_at" TIMESTAMPTZ(6),
    "carries_on" BOOLEAN NOT NULL,
    "max_redemptions" INTEGER,
    "redeem_by" TIMESTAMPTZ(6),
    "redemptions" INTEGER NOT NULL DEFAULT 0,
    "archived_at" TIMESTAMPTZ(6),
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "coupon_pkey" PRIMARY KEY ("tenant_id","id")
);
CREATE UNIQUE INDEX "coupon_tenant_id_key_key" ON "coupon"("tenant_id", "key");
SELECT tare_protect('coupon');

-- What a coupon promises never changes, and it is never redeemed more often than it may.
REVOKE UPDATE, DELETE ON coupon FROM tare_app;
GRANT UPDATE (redemptions, archived_at) ON coupon TO tare_app;
ALTER TABLE coupon ADD CONSTRAINT coupon_redemptions CHECK (redemptions BETWEEN 0 AND coalesce(max_redemptions, redemptions));
ALTER TABLE coupon ADD CONSTRAINT coupon_takes_one_thing CHECK ((percent_off IS NULL OR amount_off IS NULL) AND (amount_off IS NULL) = (currency IS NULL));
