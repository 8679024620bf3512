-- Debits of a quarter of an hour, for balances at an instant inside of it. Debits come nearly in order of time: ranges of blocks tell it, at next to no cost for
-- wallets that write thousands of them a second.
CREATE INDEX credit_debit_at ON credit_debit USING brin ("at") WITH (pages_per_range = 32, autosummarize = on);
