-- CreateTable
CREATE TABLE "tenant" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "live" BOOLEAN NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "tenant_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "api_key_lookup" (
    "secret_hash" BYTEA NOT NULL,
    "tenant_id" UUID NOT NULL,
    "api_key_id" UUID NOT NULL,

    CONSTRAINT "api_key_lookup_pkey" PRIMARY KEY ("secret_hash")
);

-- CreateTable
CREATE TABLE "due_work" (
    "tenant_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "due_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "due_work_pkey" PRIMARY KEY ("tenant_id","kind")
);

-- CreateTable
CREATE TABLE "tenant_settings" (
    "tenant_id" UUID NOT NULL,
    "backdating_days" INTEGER NOT NULL DEFAULT 35,
    "retention_days" INTEGER,
    "grace_seconds" INTEGER NOT NULL DEFAULT 3600,
    "reporting_currency" TEXT NOT NULL DEFAULT 'USD',
    "margin_floor" DECIMAL,

    CONSTRAINT "tenant_settings_pkey" PRIMARY KEY ("tenant_id")
);

-- CreateTable
CREATE TABLE "api_key" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "prefix" TEXT NOT NULL,
    "scopes" TEXT[],
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(6),
    "last_used_at" TIMESTAMPTZ(6),
    "revoked_at" TIMESTAMPTZ(6),

    CONSTRAINT "api_key_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "audit_entry" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "actor" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "detail" JSONB NOT NULL,

    CONSTRAINT "audit_entry_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "alert" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "detail" JSONB NOT NULL,
    "raised_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "resolved_at" TIMESTAMPTZ(6),

    CONSTRAINT "alert_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "meter" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "event_type" TEXT NOT NULL,
    "aggregation" TEXT NOT NULL,
    "value_property" TEXT,
    "filters" JSONB NOT NULL,
    "group_by" TEXT[],
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "meter_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "plan" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "currency" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "plan_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "plan_version" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "plan_id" UUID NOT NULL,
    "version" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "terms" JSONB NOT NULL,
    "published_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "plan_version_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "price" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "plan_version_id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "position" INTEGER NOT NULL,

    CONSTRAINT "price_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "cost_rate" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "provider" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "currency" TEXT NOT NULL,
    "valid_from" TIMESTAMPTZ(6) NOT NULL,
    "valid_to" TIMESTAMPTZ(6),
    "recorded_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "service_tier" TEXT,
    "region" TEXT,
    "source" TEXT NOT NULL,
    "disputed" BOOLEAN NOT NULL DEFAULT false,
    "disputed_why" TEXT,
    "input" DECIMAL,
    "output" DECIMAL,
    "cache_read" DECIMAL,
    "cache_write_5m" DECIMAL,
    "cache_write_1h" DECIMAL,
    "reasoning" DECIMAL,
    "input_audio" DECIMAL,
    "output_audio" DECIMAL,
    "per_request" DECIMAL,
    "per_unit" DECIMAL,
    "tiers" JSONB NOT NULL,
    "daily_window" JSONB,

    CONSTRAINT "cost_rate_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "cost_model" (
    "tenant_id" UUID NOT NULL,
    "provider" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "match" JSONB NOT NULL,
    "position" INTEGER NOT NULL,

    CONSTRAINT "cost_model_pkey" PRIMARY KEY ("tenant_id","provider","model")
);

-- CreateTable
CREATE TABLE "capacity_pool" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "deployment" TEXT NOT NULL,
    "currency" TEXT NOT NULL,
    "idle_policy" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "capacity_pool_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "capacity_pool_rate" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "pool_id" UUID NOT NULL,
    "valid_from" TIMESTAMPTZ(6) NOT NULL,
    "recorded_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "gpus" INTEGER NOT NULL,
    "hourly_cost" DECIMAL NOT NULL,
    "tokens_per_second" DECIMAL,
    "basis" JSONB NOT NULL,

    CONSTRAINT "capacity_pool_rate_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "exchange_rate" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "from_currency" TEXT NOT NULL,
    "to_currency" TEXT NOT NULL,
    "rate" DECIMAL NOT NULL,
    "valid_from" TIMESTAMPTZ(6) NOT NULL,
    "recorded_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "exchange_rate_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "customer_key" (
    "tenant_id" UUID NOT NULL,
    "no" INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    "first_seen" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "customer_key_pkey" PRIMARY KEY ("tenant_id","no")
);

-- CreateTable
CREATE TABLE "customer" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "no" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "email" TEXT,
    "currency" TEXT,
    "time_zone" TEXT NOT NULL DEFAULT 'UTC',
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "customer_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "subscription" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "starts_at" TIMESTAMPTZ(6) NOT NULL,
    "ends_at" TIMESTAMPTZ(6),
    "canceled_at" TIMESTAMPTZ(6),
    "overlap" BOOLEAN NOT NULL DEFAULT false,
    "discounts" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "subscription_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "subscription_segment" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "subscription_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,
    "plan_version_id" UUID NOT NULL,
    "seats" INTEGER NOT NULL DEFAULT 1,
    "start_at" TIMESTAMPTZ(6) NOT NULL,
    "end_at" TIMESTAMPTZ(6),
    "anchor_at" TIMESTAMPTZ(6) NOT NULL,
    "trial_end_at" TIMESTAMPTZ(6),
    "time_zone" TEXT NOT NULL,

    CONSTRAINT "subscription_segment_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "usage_clock" (
    "tenant_id" UUID NOT NULL,
    "seq" BIGINT NOT NULL DEFAULT 0,
    "boundary_version" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "usage_clock_pkey" PRIMARY KEY ("tenant_id")
);

-- CreateTable
CREATE TABLE "usage_boundary" (
    "tenant_id" UUID NOT NULL,
    "customer_no" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "usage_boundary_pkey" PRIMARY KEY ("tenant_id","customer_no","at")
);

-- CreateTable
CREATE TABLE "usage_dimension" (
    "tenant_id" UUID NOT NULL,
    "no" INTEGER NOT NULL,
    "hash" BYTEA NOT NULL,
    "type" TEXT NOT NULL,
    "provider" TEXT,
    "model" TEXT,
    "service_tier" TEXT,
    "region" TEXT,
    "pool" TEXT,
    "feature" TEXT,
    "outcome" TEXT NOT NULL,
    "subscription_id" UUID,
    "cost_state" TEXT NOT NULL,
    "cost_currency" TEXT,

    CONSTRAINT "usage_dimension_pkey" PRIMARY KEY ("tenant_id","no")
);

-- CreateTable
CREATE TABLE "usage_event_key" (
    "tenant_id" UUID NOT NULL,
    "key_hash" BYTEA NOT NULL,
    "content_hash" BYTEA NOT NULL,
    "at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "usage_event_key_pkey" PRIMARY KEY ("tenant_id","key_hash")
);

-- CreateTable
CREATE TABLE "usage_event" (
    "tenant_id" UUID NOT NULL,
    "key_hash" BYTEA NOT NULL,
    "at" TIMESTAMPTZ(6) NOT NULL,
    "key" TEXT NOT NULL,
    "customer_no" INTEGER NOT NULL,
    "dimension_no" INTEGER NOT NULL,
    "seq" BIGINT NOT NULL,
    "arrived_dimension_no" INTEGER,
    "costed_seq" BIGINT,
    "uncached_input" DECIMAL NOT NULL DEFAULT 0,
    "cache_read" DECIMAL NOT NULL DEFAULT 0,
    "cache_write_5m" DECIMAL NOT NULL DEFAULT 0,
    "cache_write_1h" DECIMAL NOT NULL DEFAULT 0,
    "input_audio" DECIMAL NOT NULL DEFAULT 0,
    "plain_output" DECIMAL NOT NULL DEFAULT 0,
    "reasoning" DECIMAL NOT NULL DEFAULT 0,
    "output_audio" DECIMAL NOT NULL DEFAULT 0,
    "quantity" DECIMAL NOT NULL DEFAULT 0,
    "gpu_seconds" DECIMAL NOT NULL DEFAULT 0,
    "cost" DECIMAL,
    "cost_rate_id" UUID,
    "reported_cost" DECIMAL,
    "reported_currency" TEXT,
    "user" TEXT,
    "trace_id" TEXT,
    "duration_ms" INTEGER,
    "properties" JSONB,
    "received_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "usage_event_pkey" PRIMARY KEY ("tenant_id","at","key_hash")
) PARTITION BY RANGE ("at");

-- CreateTable
CREATE TABLE "usage_bucket" (
    "tenant_id" UUID NOT NULL,
    "customer_no" INTEGER NOT NULL,
    "from_at" TIMESTAMPTZ(6) NOT NULL,
    "dimension_no" INTEGER NOT NULL,
    "seq" BIGINT NOT NULL,
    "events" BIGINT NOT NULL,
    "uncached_input" DECIMAL NOT NULL,
    "cache_read" DECIMAL NOT NULL,
    "cache_write_5m" DECIMAL NOT NULL,
    "cache_write_1h" DECIMAL NOT NULL,
    "input_audio" DECIMAL NOT NULL,
    "plain_output" DECIMAL NOT NULL,
    "reasoning" DECIMAL NOT NULL,
    "output_audio" DECIMAL NOT NULL,
    "quantity" DECIMAL NOT NULL,
    "gpu_seconds" DECIMAL NOT NULL,
    "cost" DECIMAL NOT NULL,
    "restated_cost" DECIMAL NOT NULL,

    CONSTRAINT "usage_bucket_pkey" PRIMARY KEY ("tenant_id","customer_no","from_at","dimension_no","seq")
);

-- CreateTable
CREATE TABLE "cost_adjustment" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "key_hash" BYTEA NOT NULL,
    "at" TIMESTAMPTZ(6) NOT NULL,
    "rate_id" UUID NOT NULL,
    "cost" DECIMAL NOT NULL,
    "dimension_no" INTEGER NOT NULL,
    "seq" BIGINT NOT NULL,
    "recorded_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "cost_adjustment_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "costing_task" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "provider" TEXT,
    "model" TEXT,
    "pool" TEXT,
    "valid_from" TIMESTAMPTZ(6) NOT NULL,
    "valid_to" TIMESTAMPTZ(6),
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "costing_task_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "wallet" (
    "tenant_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "version" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "wallet_pkey" PRIMARY KEY ("tenant_id","customer_id")
);

-- CreateTable
CREATE TABLE "credit_grant" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "credits" DECIMAL NOT NULL,
    "price_amount" DECIMAL,
    "price_currency" TEXT,
    "priority" INTEGER NOT NULL DEFAULT 0,
    "promotional" BOOLEAN NOT NULL,
    "effective_at" TIMESTAMPTZ(6) NOT NULL,
    "expires_at" TIMESTAMPTZ(6),
    "source" TEXT NOT NULL,
    "subscription_id" UUID,
    "invoice_id" UUID,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "credit_grant_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "credit_posting" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "transaction_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "account" TEXT NOT NULL,
    "grant_id" UUID,
    "credits" DECIMAL NOT NULL,
    "revenue" DECIMAL NOT NULL DEFAULT 0,
    "at" TIMESTAMPTZ(6) NOT NULL,
    "subscription_id" UUID,
    "period_id" UUID,
    "dimension_key" TEXT,
    "invoice_id" UUID,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "credit_posting_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "credit_cursor" (
    "tenant_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "subscription_id" UUID NOT NULL,
    "settled_until" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "credit_cursor_pkey" PRIMARY KEY ("tenant_id","customer_id","subscription_id")
);

-- CreateTable
CREATE TABLE "billing_period" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "subscription_id" UUID NOT NULL,
    "segment_id" UUID NOT NULL,
    "index" INTEGER NOT NULL,
    "start_at" TIMESTAMPTZ(6) NOT NULL,
    "end_at" TIMESTAMPTZ(6) NOT NULL,
    "closed_at" TIMESTAMPTZ(6),
    "seen_seq" BIGINT,
    "rated_seq" BIGINT,
    "billed_at" TIMESTAMPTZ(6),
    "invoice_id" UUID,

    CONSTRAINT "billing_period_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "invoice" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "number" TEXT,
    "kind" TEXT NOT NULL,
    "adjusts" UUID,
    "customer_id" UUID NOT NULL,
    "subscription_id" UUID,
    "billing_at" TIMESTAMPTZ(6) NOT NULL,
    "sequence" INTEGER NOT NULL DEFAULT 0,
    "status" TEXT NOT NULL,
    "currency" TEXT NOT NULL,
    "period_start" TIMESTAMPTZ(6) NOT NULL,
    "period_end" TIMESTAMPTZ(6) NOT NULL,
    "subtotal" DECIMAL NOT NULL DEFAULT 0,
    "discounts" DECIMAL NOT NULL DEFAULT 0,
    "credits_applied" DECIMAL NOT NULL DEFAULT 0,
    "tax" DECIMAL NOT NULL DEFAULT 0,
    "total" DECIMAL NOT NULL DEFAULT 0,
    "seen_seq" BIGINT,
    "drafted_at" TIMESTAMPTZ(6) NOT NULL,
    "finalize_at" TIMESTAMPTZ(6) NOT NULL,
    "finalized_at" TIMESTAMPTZ(6),
    "paid_at" TIMESTAMPTZ(6),
    "voided_at" TIMESTAMPTZ(6),
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "detail" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "invoice_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "invoice_line" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "invoice_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,
    "kind" TEXT NOT NULL,
    "description" TEXT NOT NULL,
    "price_key" TEXT,
    "plan_version_id" UUID,
    "segment_id" UUID,
    "quantity" DECIMAL NOT NULL,
    "exact_amount" DECIMAL NOT NULL,
    "amount" DECIMAL NOT NULL,
    "discount" DECIMAL NOT NULL DEFAULT 0,
    "period_start" TIMESTAMPTZ(6) NOT NULL,
    "period_end" TIMESTAMPTZ(6) NOT NULL,
    "scope_key" TEXT NOT NULL DEFAULT '',
    "adjusts" UUID,
    "detail" JSONB NOT NULL,

    CONSTRAINT "invoice_line_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "invoice_series" (
    "tenant_id" UUID NOT NULL,
    "series" TEXT NOT NULL,
    "next" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "invoice_series_pkey" PRIMARY KEY ("tenant_id","series")
);

-- CreateTable
CREATE TABLE "customer_balance_entry" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "currency" TEXT NOT NULL,
    "amount" DECIMAL NOT NULL,
    "invoice_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "customer_balance_entry_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "invoice_outbox" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "invoice_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "taken_at" TIMESTAMPTZ(6),

    CONSTRAINT "invoice_outbox_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "stripe_customer" (
    "tenant_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "stripe_id" TEXT,
    "generation" INTEGER NOT NULL DEFAULT 0,
    "request" JSONB,
    "lease_until" TIMESTAMPTZ(6),
    "lease_owner" TEXT,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "stripe_customer_pkey" PRIMARY KEY ("tenant_id","customer_id")
);

-- CreateTable
CREATE TABLE "stripe_sync" (
    "tenant_id" UUID NOT NULL,
    "invoice_id" UUID NOT NULL,
    "step" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "generation" INTEGER NOT NULL DEFAULT 0,
    "stripe_invoice_id" TEXT,
    "request" JSONB,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "next_attempt_at" TIMESTAMPTZ(6) NOT NULL,
    "lease_until" TIMESTAMPTZ(6),
    "lease_owner" TEXT,
    "last_error" TEXT,
    "remote_status" TEXT,
    "void_requested" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "stripe_sync_pkey" PRIMARY KEY ("tenant_id","invoice_id")
);

-- CreateTable
CREATE TABLE "stripe_event" (
    "tenant_id" UUID NOT NULL,
    "event_id" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "object_id" TEXT,
    "received_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "applied_at" TIMESTAMPTZ(6),

    CONSTRAINT "stripe_event_pkey" PRIMARY KEY ("tenant_id","event_id")
);

-- CreateTable
CREATE TABLE "simulation" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "status" TEXT NOT NULL,
    "input" JSONB NOT NULL,
    "result" JSONB,
    "error" TEXT,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(6),

    CONSTRAINT "simulation_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateIndex
CREATE INDEX "due_work_kind_due_at_idx" ON "due_work"("kind", "due_at");

-- CreateIndex
CREATE INDEX "audit_entry_tenant_id_at_idx" ON "audit_entry"("tenant_id", "at");

-- CreateIndex
CREATE INDEX "alert_tenant_id_kind_subject_idx" ON "alert"("tenant_id", "kind", "subject");

-- CreateIndex
CREATE UNIQUE INDEX "meter_tenant_id_key_key" ON "meter"("tenant_id", "key");

-- CreateIndex
CREATE UNIQUE INDEX "plan_tenant_id_key_key" ON "plan"("tenant_id", "key");

-- CreateIndex
CREATE UNIQUE INDEX "plan_version_tenant_id_plan_id_version_key" ON "plan_version"("tenant_id", "plan_id", "version");

-- CreateIndex
CREATE UNIQUE INDEX "price_tenant_id_plan_version_id_key_key" ON "price"("tenant_id", "plan_version_id", "key");

-- CreateIndex
CREATE INDEX "cost_rate_tenant_id_provider_model_valid_from_idx" ON "cost_rate"("tenant_id", "provider", "model", "valid_from");

-- CreateIndex
CREATE UNIQUE INDEX "capacity_pool_tenant_id_key_key" ON "capacity_pool"("tenant_id", "key");

-- CreateIndex
CREATE INDEX "capacity_pool_rate_tenant_id_pool_id_valid_from_idx" ON "capacity_pool_rate"("tenant_id", "pool_id", "valid_from");

-- CreateIndex
CREATE INDEX "exchange_rate_tenant_id_from_currency_to_currency_valid_fro_idx" ON "exchange_rate"("tenant_id", "from_currency", "to_currency", "valid_from");

-- CreateIndex
CREATE UNIQUE INDEX "customer_key_tenant_id_key_key" ON "customer_key"("tenant_id", "key");

-- CreateIndex
CREATE UNIQUE INDEX "customer_tenant_id_no_key" ON "customer"("tenant_id", "no");

-- CreateIndex
CREATE INDEX "subscription_tenant_id_customer_id_idx" ON "subscription"("tenant_id", "customer_id");

-- CreateIndex
CREATE UNIQUE INDEX "subscription_segment_tenant_id_subscription_id_position_key" ON "subscription_segment"("tenant_id", "subscription_id", "position");

-- CreateIndex
CREATE UNIQUE INDEX "usage_dimension_tenant_id_hash_key" ON "usage_dimension"("tenant_id", "hash");

-- CreateIndex
CREATE INDEX "usage_event_tenant_id_customer_no_at_idx" ON "usage_event"("tenant_id", "customer_no", "at");

-- CreateIndex
CREATE INDEX "usage_bucket_tenant_id_seq_idx" ON "usage_bucket"("tenant_id", "seq");

-- CreateIndex
CREATE INDEX "cost_adjustment_tenant_id_key_hash_idx" ON "cost_adjustment"("tenant_id", "key_hash");

-- CreateIndex
CREATE UNIQUE INDEX "credit_grant_tenant_id_customer_id_key_key" ON "credit_grant"("tenant_id", "customer_id", "key");

-- CreateIndex
CREATE INDEX "credit_posting_tenant_id_customer_id_at_idx" ON "credit_posting"("tenant_id", "customer_id", "at");

-- CreateIndex
CREATE INDEX "credit_posting_tenant_id_period_id_idx" ON "credit_posting"("tenant_id", "period_id");

-- CreateIndex
CREATE INDEX "credit_posting_tenant_id_transaction_id_idx" ON "credit_posting"("tenant_id", "transaction_id");

-- CreateIndex
CREATE INDEX "billing_period_tenant_id_subscription_id_start_at_idx" ON "billing_period"("tenant_id", "subscription_id", "start_at");

-- CreateIndex
CREATE UNIQUE INDEX "billing_period_tenant_id_segment_id_start_at_key" ON "billing_period"("tenant_id", "segment_id", "start_at");

-- CreateIndex
CREATE INDEX "invoice_tenant_id_customer_id_billing_at_idx" ON "invoice"("tenant_id", "customer_id", "billing_at");

-- CreateIndex
CREATE INDEX "invoice_tenant_id_status_finalize_at_idx" ON "invoice"("tenant_id", "status", "finalize_at");

-- CreateIndex
CREATE UNIQUE INDEX "invoice_tenant_id_subscription_id_billing_at_kind_sequence_key" ON "invoice"("tenant_id", "subscription_id", "billing_at", "kind", "sequence");

-- CreateIndex
CREATE UNIQUE INDEX "invoice_tenant_id_number_key" ON "invoice"("tenant_id", "number");

-- CreateIndex
CREATE INDEX "invoice_line_tenant_id_segment_id_period_start_idx" ON "invoice_line"("tenant_id", "segment_id", "period_start");

-- CreateIndex
CREATE UNIQUE INDEX "invoice_line_tenant_id_invoice_id_position_key" ON "invoice_line"("tenant_id", "invoice_id", "position");

-- CreateIndex
CREATE INDEX "customer_balance_entry_tenant_id_customer_id_currency_idx" ON "customer_balance_entry"("tenant_id", "customer_id", "currency");

-- CreateIndex
CREATE UNIQUE INDEX "invoice_outbox_tenant_id_invoice_id_kind_key" ON "invoice_outbox"("tenant_id", "invoice_id", "kind");

-- CreateIndex
CREATE INDEX "stripe_sync_tenant_id_next_attempt_at_idx" ON "stripe_sync"("tenant_id", "next_attempt_at");

-- CreateIndex
CREATE INDEX "stripe_event_tenant_id_object_id_idx" ON "stripe_event"("tenant_id", "object_id");

-- AddForeignKey
ALTER TABLE "plan_version" ADD CONSTRAINT "plan_version_tenant_id_plan_id_fkey" FOREIGN KEY ("tenant_id", "plan_id") REFERENCES "plan"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "price" ADD CONSTRAINT "price_tenant_id_plan_version_id_fkey" FOREIGN KEY ("tenant_id", "plan_version_id") REFERENCES "plan_version"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "capacity_pool_rate" ADD CONSTRAINT "capacity_pool_rate_tenant_id_pool_id_fkey" FOREIGN KEY ("tenant_id", "pool_id") REFERENCES "capacity_pool"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "customer" ADD CONSTRAINT "customer_tenant_id_no_fkey" FOREIGN KEY ("tenant_id", "no") REFERENCES "customer_key"("tenant_id", "no") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "subscription" ADD CONSTRAINT "subscription_tenant_id_customer_id_fkey" FOREIGN KEY ("tenant_id", "customer_id") REFERENCES "customer"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "subscription_segment" ADD CONSTRAINT "subscription_segment_tenant_id_subscription_id_fkey" FOREIGN KEY ("tenant_id", "subscription_id") REFERENCES "subscription"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "invoice_line" ADD CONSTRAINT "invoice_line_tenant_id_invoice_id_fkey" FOREIGN KEY ("tenant_id", "invoice_id") REFERENCES "invoice"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;
