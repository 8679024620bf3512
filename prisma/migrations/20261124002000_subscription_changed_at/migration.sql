-- The latest time that a change of what is agreed was asked for: a change of plan that is asked for before it would undo what was agreed since.
ALTER TABLE "subscription" ADD COLUMN "changed_at" timestamptz(6);
