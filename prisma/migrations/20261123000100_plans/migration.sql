-- Prices with groups: a line bills one group of its price.
ALTER TABLE "invoice_line" ADD COLUMN "price_group" TEXT;
