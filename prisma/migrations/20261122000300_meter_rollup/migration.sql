-- Roll-ups of meters that sums of dimensions cannot answer (docs/decisions/0016): pulled from usage by a cursor, never written by ingest.

-- How far a meter's roll-up has come. Covered cells, those up to `filled_customer_no` and `filled_slot` (all, once `filled_at` is set), say exactly what
-- stood after commit `seq`.
CREATE TABLE meter_rollup (
    "tenant_id" UUID NOT NULL,
    "meter_id" UUID NOT NULL,
    "seq" BIGINT NOT NULL,
    "boundary_version" BIGINT NOT NULL,
    "filled_customer_no" INTEGER NOT NULL DEFAULT 0,
    "filled_slot" TIMESTAMPTZ(6) NOT NULL DEFAULT '1970-01-01T00:00:00Z',
    "filled_at" TIMESTAMPTZ(6),
    "filled_slots" BIGINT NOT NULL DEFAULT 0,
    "total_slots" BIGINT NOT NULL,
    "missed_slots" BIGINT NOT NULL DEFAULT 0,
    "started_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "meter_rollup_pkey" PRIMARY KEY ("tenant_id","meter_id")
);

-- What a meter's usage is told apart by, as integers: dimensions and the properties of its groupBy, by name; absent ones are left out.
CREATE TABLE meter_rollup_group (
    "tenant_id" UUID NOT NULL,
    "meter_id" UUID NOT NULL,
    "no" INTEGER NOT NULL,
    "hash" UUID NOT NULL,
    "properties" JSONB NOT NULL,

    CONSTRAINT "meter_rollup_group_pkey" PRIMARY KEY ("tenant_id","meter_id","no")
);
CREATE UNIQUE INDEX "meter_rollup_group_tenant_id_meter_id_hash_key" ON meter_rollup_group("tenant_id", "meter_id", "hash");

-- One row per cell and group with events that count: replaced as a whole when its slot changed.
CREATE TABLE meter_rollup_cell (
    "tenant_id" UUID NOT NULL,
    "meter_id" UUID NOT NULL,
    "customer_no" INTEGER NOT NULL,
    "from_at" TIMESTAMPTZ(6) NOT NULL,
    "group_no" INTEGER NOT NULL,
    "to_at" TIMESTAMPTZ(6) NOT NULL,
    "events" BIGINT NOT NULL,
    "inexact" BIGINT NOT NULL,
    "value" DECIMAL,
    "value_at" TIMESTAMPTZ(6),
    "members" UUID[],
    "member_events" BIGINT[],

    CONSTRAINT "meter_rollup_cell_pkey" PRIMARY KEY ("tenant_id","meter_id","customer_no","from_at","group_no")
);
ALTER TABLE meter_rollup_cell ADD CONSTRAINT meter_rollup_cell_counts CHECK (events > 0 AND to_at >= from_at);

SELECT tare_protect('meter_rollup'), tare_protect('meter_rollup_group'), tare_protect('meter_rollup_cell');
