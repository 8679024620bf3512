-- What each closed service period left of allowances that roll over (docs/decisions/0023).
CREATE TABLE "allowance_carry" (
    "tenant_id" UUID NOT NULL,
    "segment_id" UUID NOT NULL,
    "period_start" TIMESTAMPTZ(6) NOT NULL,
    "price_key" TEXT NOT NULL,
    "group_key" TEXT NOT NULL,
    "subscription_id" UUID NOT NULL,
    "meter" TEXT NOT NULL,
    "opening" JSONB NOT NULL,
    "included" DECIMAL NOT NULL,
    "used" DECIMAL NOT NULL,
    "left_over" JSONB NOT NULL,
    "carried" JSONB NOT NULL,

    CONSTRAINT "allowance_carry_pkey" PRIMARY KEY ("tenant_id","segment_id","period_start","price_key","group_key")
);
CREATE INDEX "allowance_carry_tenant_id_subscription_id_price_key_group_k_idx" ON "allowance_carry"("tenant_id", "subscription_id", "price_key", "group_key", "period_start");

SELECT tare_protect('allowance_carry');
REVOKE DELETE ON "allowance_carry" FROM tare_app;
