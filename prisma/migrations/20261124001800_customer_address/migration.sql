-- As it stands on invoices, lines divided by a line feed. Documents of before a change read it in party_history, which keeps whole rows.
ALTER TABLE customer ADD COLUMN "address" TEXT;
