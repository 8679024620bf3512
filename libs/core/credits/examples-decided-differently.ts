/** Cases of the shared credit examples that these rules decide otherwise, or that nothing here expresses yet: by id, with the rule or the missing capability. */
export const DECIDED_DIFFERENTLY: Readonly<Record<string, string>> = {
  'au-roll-11': 'rollover is not available yet',
  'au-roll-12': 'rollover is not available yet',
  'au-roll-18': 'rollover is not available yet',
  'au-roll-22': 'rollover is not available yet',
  'om-ent-01': 'no resets: what is uncovered is settled by the plan, never wiped (7.5)',
  'om-ent-03': 'rollover is not available yet',
  'om-ent-12': 'rollover is not available yet',
  'om-eng-14': 'a grant does not recur: each period has its own (7.6)',
  'om-line-01': 'prepaid money pays an invoice, not its lines (8.1)',
  'om-line-06': 'prepaid money beyond the invoice is left over, not an error (8.1)',
  'om-reset-01': 'rollover is not available yet',
  'om-reset-02': 'rollover is not available yet',
};
