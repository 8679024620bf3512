/** Cases of the shared price and proration examples that these rules decide otherwise, or that nothing here expresses yet: by id, with the rule or the missing capability. */
export const PRICES_DECIDED_DIFFERENTLY: Readonly<Record<string, string>> = {
  'au-vol-17': 'quantities below zero are refused at ingest and charge nothing (3, NEGATIVE_NUMBER)',
  'au-vol-19': 'quantities below zero are refused at ingest; tiers in packages are not a model',
  'au-volallow-05': 'the included quantity is taken off before tiers and stays free (4.6)',
  'fp-bucket-03': 'tiers are for the period as a whole, not for each bucket (4.2, 4.7)',
  'fp-bucket-04': 'tiers are for the period as a whole, not for each bucket (4.2, 4.7)',
  'fp-round-36': 'a price below zero is refused (NEGATIVE_PRICE); the rounding itself is half away from zero (1.3)',
  'fp-win-02': 'a commitment is for a service period, not for windows with an overage factor',
  'la-pct-01': 'free events of a percentage are not a field of a price',
  'la-pct-07': 'free events of a percentage are not a field of a price',
  'la-pct-14': 'free events and bounds per event of a percentage are not fields of a price',
  'la-pct-20': 'a fixed fee is per event, also within a free amount (4.4)',
  'la-pct-21': 'a fixed fee is per event, also within a free amount (4.4)',
  'la-pgrad-01': 'units prorated event by event are not a model: usage is never prorated (6.2)',
  'la-pgrad-04': 'units prorated event by event are not a model: usage is never prorated (6.2)',
  'la-pgrad-07': 'units prorated event by event are not a model: usage is never prorated (6.2)',
  'la-pgrad-11': 'units prorated event by event are not a model: usage is never prorated (6.2)',
  'la-wal-03': 'lines in KWD are rounded to 0.010 (1.5)',
  'x-kwd-01': 'lines in KWD are rounded to 0.010 (1.5)',
  'om-uconf-02': 'packages are counted over the whole period, also when it is billed in parts (4.7)',
  'om-uconf-08': 'packages are rounded up (4.3)',
};

export const PRORATIONS_DECIDED_DIFFERENTLY: Readonly<Record<string, string>> = {
  'fp-creditcap-03': 'the credit is the unused part of what was billed, so no cap is needed (6.1)',
  'fp-creditcap-05': 'the credit is the unused part of what was billed, so no cap is needed (6.1)',
  'fp-next-02': 'a period starts at the time of day of its anchor, not at midnight (2.2)',
  'fp-sec-08': 'the credit is the unused part of what was billed, so no cap is needed (6.1)',
  'kb-fix28-04': 'numerator and denominator come from the same real period, not from months of 28 days (6.1)',
  'kb-fix30-02': 'numerator and denominator come from the same real period, not from months of 30 days (6.1)',
};
