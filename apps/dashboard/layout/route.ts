import { useSyncExternalStore } from 'react';

export const SCREENS = ['overview', 'customers', 'invoices', 'worklists'] as const;
export type Screen = (typeof SCREENS)[number];

/** Screens that show one month, and share the choice of it. */
export const isMonthly = (screen: Screen): boolean => screen === 'overview' || screen === 'customers';

/** `#/invoices/<id>?status=PAID`: the address of what is shown, so that back, reload and links work. */
export interface Route {
  readonly screen: Screen;
  readonly id: string | null;
  readonly params: URLSearchParams;
}

export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  const [name = '', id = ''] = path.split('/');
  const screen = SCREENS.find((one) => one === name) ?? 'overview';
  return { screen, id: id === '' ? null : decodeURIComponent(id), params: new URLSearchParams(query) };
}

export function addressOf(screen: Screen, params: Readonly<Record<string, string | null>> = {}, id?: string): string {
  const given = Object.entries(params).filter((entry): entry is [string, string] => entry[1] !== null && entry[1] !== '');
  const query = new URLSearchParams(given).toString();
  return `#/${screen}${id === undefined ? '' : `/${encodeURIComponent(id)}`}${query === '' ? '' : `?${query}`}`;
}

export function go(address: string): void {
  window.location.hash = address;
}

function onHashChange(listener: () => void): () => void {
  window.addEventListener('hashchange', listener);
  return () => window.removeEventListener('hashchange', listener);
}

export function useRoute(): Route {
  return parseRoute(useSyncExternalStore(onHashChange, () => window.location.hash));
}
