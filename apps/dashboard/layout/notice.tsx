import type { ReactNode } from 'react';
import { sentenceOf } from '../graphql/api-error.ts';
import type { ApiError } from '../graphql/api-error.ts';
import type { Asked } from '../graphql/use-query.ts';

/** Shows what was asked for in each of its states; `children` draws the answer. */
export function Answered<Answer>({
  asked,
  what,
  children,
}: {
  readonly asked: Asked<Answer>;
  readonly what: string;
  readonly children: (answer: Answer) => ReactNode;
}) {
  switch (asked.state) {
    case 'LOADING':
      return <Loading what={what} />;
    case 'FAILED':
      return <Failure error={asked.error} retry={asked.retry} />;
    case 'ANSWERED':
      return children(asked.answer);
    default:
      return asked satisfies never;
  }
}

export function Loading({ what }: { readonly what: string }) {
  return (
    <div className="loading" role="status">
      <span className="visually-hidden">Loading {what}…</span>
      <span className="shade wide" />
      <span className="shade" />
      <span className="shade narrow" />
    </div>
  );
}

export function Failure({ error, retry }: { readonly error: ApiError; readonly retry?: () => void }) {
  return (
    <div className="failure" role="alert">
      <p>{sentenceOf(error)}</p>
      <p className="note">Code {error.code}</p>
      {retry && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      {children !== undefined && <p className="note">{children}</p>}
    </div>
  );
}
