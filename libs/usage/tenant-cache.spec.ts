import { TenantCache } from './tenant-cache.ts';

test('what is remembered of one tenant is not known of another', () => {
  const cache = new TenantCache<string, number>(10);
  cache.set('a', 'acme', 1);
  cache.set('b', 'acme', 2);
  expect([cache.of('a').get('acme'), cache.of('b').get('acme'), cache.of('c').get('acme')]).toEqual([1, 2, undefined]);
});

test('it never holds more than its limit, of all tenants together, and saying a fact again takes no room', () => {
  const cache = new TenantCache<number, string>(3);
  cache.set('a', 1, 'x');
  cache.set('a', 1, 'y');
  cache.set('a', 2, 'x');
  cache.set('b', 1, 'x');
  expect([cache.of('a').size, cache.of('b').size, cache.of('a').get(1)]).toEqual([2, 1, 'y']);
  cache.set('b', 2, 'x');
  expect([cache.of('a').size, cache.of('b').size]).toEqual([0, 1]);
});
