/** A query with the types of what it takes and answers; the fields are those of the checked-in schema, which a test holds it to. */
export interface QueryDocument<Answer, Variables> {
  readonly text: string;
  /** Never set: it only carries the types. */
  readonly types?: (variables: Variables) => Answer;
}

export function queryDocument<Answer, Variables>(text: string): QueryDocument<Answer, Variables> {
  return { text };
}
