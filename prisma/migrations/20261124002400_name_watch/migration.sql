-- How far usage was looked through for events that name a subscription which is not in force.
CREATE TABLE name_watch (
    "tenant_id" UUID NOT NULL,
    "seq" BIGINT NOT NULL,

    CONSTRAINT "name_watch_pkey" PRIMARY KEY ("tenant_id")
);

SELECT tare_protect('name_watch');
