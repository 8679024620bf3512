import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { csvText } from './csv-cells.ts';

test('a text that a spreadsheet would compute begins with an apostrophe; numbers of ours are left alone', () => {
  const texts = ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '＝1', 'plain', ''];
  expect(csvText([[...texts.map((text) => ({ text })), '-12.50']])).toBe(`'=1+1,'+1,'-1,'@SUM(A1),'\t=1,'＝1,plain,,-12.50\r\n`);
});

test('whatever a text is, a reader of CSV gets it back, but for the apostrophe', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.string({ unit: 'binary' }), { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 5 }),
      (rows) => {
        fc.pre(rows.every((row) => row.length === rows[0]?.length));
        const read = parse(csvText(rows.map((row) => row.map((text) => ({ text })))), { record_delimiter: '\r\n' });
        expect(read.map((row) => row.map((cell) => cell.replace(/^'/, '')))).toEqual(
          rows.map((row) => row.map((cell) => cell.replace(/^'/, ''))),
        );
      },
    ),
  );
});
