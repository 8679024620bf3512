import PDFDocument from 'pdfkit';
import { inflateSync } from 'node:zlib';
import { documentPdf } from './document-pdf.ts';
import { sampleDocument } from './document-pdf.fixture.ts';
import { PdfText } from './pdf-text.ts';
import { pdfFontsFrom, STANDARD_FONTS_ONLY } from './pdf-fonts.ts';

/** The texts that a PDF's pages write in standard fonts, page by page, in the order in which they are written. */
function pagesOf(pdf: Buffer): string[][] {
  const pages: string[][] = [];
  const latin = pdf.toString('latin1');
  for (const match of latin.matchAll(/\/Filter \/FlateDecode[^>]*>>\s*stream\n/g)) {
    const from = match.index + match[0].length;
    const content = inflateSync(pdf.subarray(from, latin.indexOf('endstream', from))).toString('latin1');
    if (!content.includes('BT\n')) continue;
    pages.push([...content.matchAll(/\[(<[^\]]*)\] TJ/g)].map(([, shown = '']) => textOf(shown)));
  }
  return pages;
}

/** What `<48656c> -20 <6c6f> 0` shows: hexadecimal pieces with kerning between them. */
const textOf = (shown: string): string =>
  [...shown.matchAll(/<([0-9a-f]*)>/g)].map(([, hex = '']) => Buffer.from(hex, 'hex').toString('latin1')).join('');

test('a document shows seller, buyer, facts, lines, totals and notes', async () => {
  const [page = []] = pagesOf(await documentPdf(sampleDocument(1), STANDARD_FONTS_ONLY));
  expect(page).toEqual(
    expect.arrayContaining([
      'Modelhaus GmbH',
      'Tax ID: DE123456789',
      'TARE-000042',
      'Team plan: tokens of model 1',
      '1,234,567',
      '0.0000028',
      'USD 1,234.50',
    ]),
  );
  expect(page).toContain('Please pay within 14 days to DE02 1203 0000 0000 2020 51.');
  expect(page.at(-1)).toBe('Page 1 of 1');
});

test('every page has the heads of the columns, its number and how many there are; no line is lost between pages', async () => {
  const pages = pagesOf(await documentPdf(sampleDocument(40), STANDARD_FONTS_ONLY));
  expect(pages.length).toBeGreaterThan(1);
  for (const [index, page] of pages.entries()) {
    expect(page).toContain('Amount (USD)');
    expect(page.at(-1)).toBe(`Page ${index + 1} of ${pages.length}`);
  }
  const lines = pages.flat().filter((text) => text.startsWith('Team plan: tokens of model '));
  expect(lines).toEqual(Array.from({ length: 40 }, (_, index) => `Team plan: tokens of model ${index + 1}`));
});

test('a line keeps its few steps on its page; many go on on the next one, which says whose they are', async () => {
  const step = (no: number) => ({ description: `tier ${no}`, quantity: '1', unitPrice: '2', amount: '2.00' });
  const [line] = sampleDocument(1).lines;
  const withSteps = (steps: number) =>
    Array.from({ length: 12 }, (_, no) => ({
      ...{ ...(line as NonNullable<typeof line>), description: `Line ${no + 1}` },
      steps: Array.from({ length: steps }, (_, index) => step(index + 1)),
    }));
  const few = pagesOf(await documentPdf(sampleDocument(0, { lines: withSteps(6) }), STANDARD_FONTS_ONLY));
  expect(few.length).toBeGreaterThan(1);
  for (const page of few)
    expect(page.filter((text) => text === 'tier 6')).toHaveLength(page.filter((text) => text.startsWith('Line ')).length);
  const many = pagesOf(await documentPdf(sampleDocument(0, { lines: withSteps(40) }), STANDARD_FONTS_ONLY));
  expect(many.flat().filter((text) => text.startsWith('tier '))).toHaveLength(480);
  for (const page of many.slice(1)) {
    const [first] = page.filter((text) => /^(Line|tier) /.test(text));
    expect(first).toMatch(/^Line \d+/);
  }
  expect(many.flat().filter((text) => text.endsWith(', continued') && text.startsWith('Line ')).length).toBeGreaterThan(3);
});

test('a draft and a void invoice say so across every page', async () => {
  const pages = pagesOf(await documentPdf(sampleDocument(40, { mark: 'VOID' }), STANDARD_FONTS_ONLY));
  expect(pages.map(([first]) => first)).toEqual(pages.map(() => 'VOID'));
});

test('the same document has the same bytes', async () => {
  const [one, other] = [
    await documentPdf(sampleDocument(30), STANDARD_FONTS_ONLY),
    await documentPdf(sampleDocument(30), STANDARD_FONTS_ONLY),
  ];
  expect(one.equals(other)).toBe(true);
  expect((await documentPdf(sampleDocument(30, { number: 'TARE-000043' }), STANDARD_FONTS_ONLY)).equals(one)).toBe(false);
});

describe('a name that the standard fonts cannot write', () => {
  const FONTS = pdfFontsFrom({});
  const named = (name: string) => documentPdf(sampleDocument(1, { buyer: { name, lines: [] } }), FONTS);
  /** The fonts that are in the file. */
  const fontsOf = (pdf: Buffer): string[] =>
    [
      ...new Set(
        [...pdf.toString('latin1').matchAll(/\/BaseFont \/([A-Za-z+-]+)/g)].map(([, font = '']) => font.replace(/^[A-Z]{6}\+/, '')),
      ),
    ].sort();
  const boxesOf = (name: string, fonts = FONTS): number => {
    const text = new PdfText(new PDFDocument(), fonts, [name]);
    for (const weight of ['regular', 'bold'] as const) text.width(name, { size: 10, weight });
    return text.unshown.size;
  };

  test.each([
    ['of Central Europe', 'Łódź Žluťoučký Kůň Őrség Ğüneş'],
    ['in Greek', 'Αθήνα ΑΕ, Ὀδός'],
    ['in Cyrillic', 'ООО «Москва», Ґалаґан'],
    ['in Vietnamese', 'Đặng Văn Ưởng'],
    ['in Hindi', 'हिन्दी भाषा'],
  ])('%s is written all the same: nothing is a box, and all of the document has one face', async (_, name) => {
    const pdf = await named(name);
    expect(fontsOf(pdf)).toEqual(['NotoSans-Bold', 'NotoSans-Regular']);
    expect([boxesOf(name, STANDARD_FONTS_ONLY) > 0, boxesOf(name)]).toEqual([true, 0]);
    expect(pdf.length).toBeLessThan(80_000);
    expect((await named(name)).equals(pdf)).toBe(true);
  });

  test('of letters that they do have needs no font in the file', async () => {
    const pdf = await named('Müller & Søn S.à r.l. – “Œuvre” €');
    expect(fontsOf(pdf)).toEqual(['Helvetica', 'Helvetica-Bold']);
    expect(pdf.toString('latin1')).not.toContain('/FontFile');
  });

  test('in letters that no font has is a box, and named at the end', async () => {
    const [page = []] = pagesOf(await documentPdf(sampleDocument(1, { buyer: { name: '東 Ж', lines: [] } }), STANDARD_FONTS_ONLY));
    expect(page).toContain('Boxes stand for characters that the fonts of this document lack: U+6771, U+0416.');
  });
});

test('the foot of every page has the number, however long the name of the seller is', async () => {
  const seller = { name: 'Gesellschaft für Sprachmodelle und Rechenzentrumsbetrieb '.repeat(4).trim(), lines: [] };
  for (const page of pagesOf(await documentPdf(sampleDocument(40, { seller }), STANDARD_FONTS_ONLY)))
    expect(page.at(-2)).toMatch(/^Gesellschaft .*\x85 {2}\xb7 {2}Invoice TARE-000042$/);
});

test('a figure that is too long for its column is written smaller, never cut', async () => {
  const [line] = sampleDocument(1).lines;
  const quantity = '123,456,789,012,345.123456789012';
  const lines = line === undefined ? [] : [{ ...line, quantity }];
  expect(pagesOf(await documentPdf(sampleDocument(0, { lines }), STANDARD_FONTS_ONLY)).flat()).toContain(quantity);
});

test('a font file that is not there is told by its name when the process starts', () => {
  expect(() => pdfFontsFrom({ TARE_PDF_FONTS: '/no/such/font.ttf' })).toThrow(/TARE_PDF_FONTS.*no\/such\/font\.ttf/);
  expect(pdfFontsFrom({})).toMatchObject({ regular: [], bold: [] });
});
