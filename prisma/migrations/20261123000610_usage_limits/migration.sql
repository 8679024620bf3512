-- Limits of customers and what counts against them (docs/decisions/0022).

-- At which percents of what a kind of limit is told of. No row: the defaults.
CREATE TABLE alert_rule (
    "tenant_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "percents" INTEGER[] NOT NULL,

    CONSTRAINT "alert_rule_pkey" PRIMARY KEY ("tenant_id","kind")
);

CREATE TABLE customer_cap (
    "tenant_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "meter" TEXT,
    "match" JSONB NOT NULL,
    "maximum" DECIMAL NOT NULL,
    "currency" TEXT,
    "period" TEXT NOT NULL,
    "enforcement" TEXT NOT NULL,
    "alert_at" INTEGER[],
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "customer_cap_pkey" PRIMARY KEY ("tenant_id","customer_id","key")
);
ALTER TABLE customer_cap ADD CONSTRAINT customer_cap_maximum CHECK (maximum >= 0);
ALTER TABLE customer_cap ADD CONSTRAINT customer_cap_kind CHECK ((kind <> 'SPEND' OR currency IS NOT NULL) AND (kind <> 'USAGE' OR meter IS NOT NULL));

-- The commit up to which every sum below counts: advanced in the transaction that adds to them.
CREATE TABLE entitlement_cursor (
    "tenant_id" UUID NOT NULL,
    "seq" BIGINT NOT NULL,

    CONSTRAINT "entitlement_cursor_pkey" PRIMARY KEY ("tenant_id")
);

-- Whose usage is summed, between which instants (ascending; empty: none yet). A piece of time is [cuts[i], cuts[i + 1]).
CREATE TABLE entitlement_customer (
    "tenant_id" UUID NOT NULL,
    "customer_no" INTEGER NOT NULL,
    "cuts" TIMESTAMPTZ(6)[] NOT NULL DEFAULT '{}',
    "changed_seq" BIGINT NOT NULL DEFAULT 0,
    "alerted_seq" BIGINT NOT NULL DEFAULT -1,

    CONSTRAINT "entitlement_customer_pkey" PRIMARY KEY ("tenant_id","customer_no")
);
-- Whose limits are to be looked at.
CREATE INDEX entitlement_customer_waiting ON entitlement_customer (tenant_id, customer_no) WHERE changed_seq > alerted_seq;

-- Running sums of a customer's usage in each piece of its time, by dimensions.
CREATE TABLE entitlement_usage (
    "tenant_id" UUID NOT NULL,
    "customer_no" INTEGER NOT NULL,
    "from_at" TIMESTAMPTZ(6) NOT NULL,
    "dimension_no" INTEGER NOT NULL,
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

    CONSTRAINT "entitlement_usage_pkey" PRIMARY KEY ("tenant_id","customer_no","from_at","dimension_no")
) WITH (fillfactor = 70);

SELECT tare_protect('alert_rule'), tare_protect('customer_cap'), tare_protect('entitlement_cursor'), tare_protect('entitlement_customer'),
  tare_protect('entitlement_usage');
