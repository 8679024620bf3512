import { canonicalForm, decodeForm } from './form-decoding.ts';
import { Params } from './params.ts';

const params = (text: string): Params => new Params(decodeForm(text));

test('lines keep the order of their indices, past the tenth too', () => {
  const text = Array.from({ length: 12 }, (_, index) => `lines[${11 - index}][amount]=${11 - index}`).join('&');
  const amounts = params(text)
    .list('lines')
    ?.map((line) => line.integer('amount'));
  expect(amounts).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

test('metadata keys may look like indices or prototypes', () => {
  expect(params('metadata[0]=a&metadata[__proto__]=b&metadata[x]=').metadata()).toEqual(
    Object.fromEntries([
      ['0', 'a'],
      ['__proto__', 'b'],
      ['x', null],
    ]),
  );
});

test('encoded brackets and values mean the same as plain ones', () => {
  expect(params('lines%5B0%5D%5Bdescription%5D=a%26b+c').list('lines')?.[0]?.text('description')).toBe('a&b c');
});

test('expand[] appends', () => {
  expect(params('expand[]=customer&expand[]=lines').texts('expand')).toEqual(['customer', 'lines']);
});

test('the order of parameters does not make another request, a value does', () => {
  const first = canonicalForm(decodeForm('a=1&b[c]=2'));
  expect(canonicalForm(decodeForm('b[c]=2&a=1'))).toBe(first);
  expect(canonicalForm(decodeForm('b[c]=3&a=1'))).not.toBe(first);
});

test('a parameter that nobody read is refused, nested ones too', () => {
  const nested = params('lines[0][amount]=1&lines[0][colour]=red');
  nested.list('lines')?.[0]?.integer('amount');
  expect(() => nested.requireAllRead()).toThrow('lines[0][colour]');
});

test.each(['1.5', '1e3', 'x', '99999999999999999999'])('%s is no integer amount', (text) => {
  expect(() => params(`amount=${text}`).integer('amount')).toThrow('Invalid integer');
});
