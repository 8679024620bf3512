import { Component } from 'react';
import type { ReactNode } from 'react';
import { ApiError } from '../graphql/api-error.ts';
import { Failure } from './notice.tsx';

/** An answer that the dashboard cannot draw must not leave an empty page. */
export class ErrorBoundary extends Component<{ readonly children: ReactNode }, { readonly error: Error | null }> {
  override state: { readonly error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error): { readonly error: Error } {
    return { error };
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children;
    const error = new ApiError('NOT_SHOWN', `This page could not be drawn: ${this.state.error.message}`);
    return <Failure error={error} retry={() => this.setState({ error: null })} />;
  }
}
