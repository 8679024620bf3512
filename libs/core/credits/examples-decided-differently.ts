/** Cases of the shared credit examples that these rules decide otherwise: by id, with the rule. */
export const DECIDED_DIFFERENTLY: Readonly<Record<string, string>> = {
  'om-ent-01': 'no resets: what is uncovered is settled by the plan, never wiped (7.5)',
  'om-ent-03':
    'a grant is never reset: what is left of it stays until it expires (7.1, 7.2), and a debt is taken from the next grant (7.5)',
  'om-line-01': 'prepaid money pays an invoice, not its lines (8.1)',
  'om-line-06': 'prepaid money beyond the invoice is left over, not an error (8.1)',
  'om-reset-01': 'a grant is never reset: what is left of it stays until it expires (7.1, 7.2)',
  'om-reset-02': 'a grant is never reset: what is left of it stays until it expires (7.1, 7.2)',
};

/** Cases that burning alone does not tell, but a plan does: allowances that are carried on, grants that come again. Through the API in test/e2e. */
export const TOLD_BY_A_PLAN: ReadonlySet<string> = new Set([
  'au-roll-11',
  'au-roll-12',
  'au-roll-18',
  'au-roll-22',
  'om-eng-14',
  'om-ent-12',
]);
