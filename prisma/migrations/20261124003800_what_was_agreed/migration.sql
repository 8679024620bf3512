-- What was agreed for a subscription until a change reached back behind an invoice of its customer. Whose usage is depends on all subscriptions of the
-- customer: an issued invoice is assembled again with what was agreed when it was made (SEMANTICS 8.4). Rows are only ever added, by such changes alone.
CREATE TABLE "agreed_before" (
    "tenant_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "subscription_id" UUID NOT NULL,
    "place" INTEGER NOT NULL,
    "ends" JSONB NOT NULL,

    CONSTRAINT "agreed_before_pkey" PRIMARY KEY ("tenant_id","customer_id","subscription_id","place")
);

SELECT tare_protect('agreed_before');
REVOKE UPDATE ON "agreed_before" FROM tare_app;
