-- Reservations that were open at an instant that is over. They begin and end nearly in order of time: ranges of blocks tell it, at next to no cost for who reserves.
CREATE INDEX credit_reservation_times ON credit_reservation USING brin ("at", "ended_at") WITH (pages_per_range = 32, autosummarize = on);
