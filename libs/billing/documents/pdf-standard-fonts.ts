import type PDFDocument from 'pdfkit';

/** A document of the library that draws. */
export type Pages = InstanceType<typeof PDFDocument>;

/** The library's own font, as far as it is needed here: its types leave fonts out. */
interface StandardFont {
  readonly name: string;
  readonly bbox: readonly number[];
  readonly ascender: number;
  readonly descender: number;
  readonly capHeight: number;
  readonly xHeight: number;
  readonly dictionary: { data: object; end(): void };
  widthOfString(text: string, size: number): number;
  embed(): void;
}

/** The characters of WinAnsi's codes 128 to 159; the other codes from 32 on are those of Latin-1. Blank where a code has none. */
const MIDDLE = '€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ';
const FIRST = 32;
const LAST = 255;
const SANS_NONSYMBOLIC = 32;
const SANS_NONSYMBOLIC_BOLD = SANS_NONSYMBOLIC + 262_144;

/** Every character that the standard fonts have here. */
export const STANDARD_CHARACTERS: ReadonlySet<string> = new Set(
  Array.from({ length: LAST - FIRST + 1 }, (_, index) => characterOf(FIRST + index)).filter((character) => character !== ''),
);

/**
 * Writes how wide a standard font's letters are into the file, as PDF 2.0 asks for (ISO 32000-2, 9.6.2.2): a reader that has no such font and takes another one
 * fits it to these widths, and columns stay where they are. The library leaves them out.
 */
export function describeStandardFont(pages: Pages, name: 'Helvetica' | 'Helvetica-Bold'): void {
  const { _font: font } = pages.font(name) as unknown as { _font: StandardFont };
  font.embed = () => {
    const descriptor = pages.ref({
      Type: 'FontDescriptor',
      FontName: font.name,
      Flags: font.name.endsWith('Bold') ? SANS_NONSYMBOLIC_BOLD : SANS_NONSYMBOLIC,
      FontBBox: font.bbox,
      ItalicAngle: 0,
      Ascent: font.ascender,
      Descent: font.descender,
      CapHeight: font.capHeight,
      XHeight: font.xHeight,
      StemV: font.name.endsWith('Bold') ? 140 : 88,
    });
    descriptor.end('');
    const widths = Array.from({ length: LAST - FIRST + 1 }, (_, index) => widthOf(font, characterOf(FIRST + index)));
    font.dictionary.data = {
      Type: 'Font',
      BaseFont: font.name,
      Subtype: 'Type1',
      Encoding: 'WinAnsiEncoding',
      FirstChar: FIRST,
      LastChar: LAST,
      Widths: widths,
      FontDescriptor: descriptor,
    };
    font.dictionary.end();
  };
}

function widthOf(font: StandardFont, character: string): number {
  return character === '' ? 0 : font.widthOfString(character, 1_000);
}

function characterOf(code: number): string {
  if (code === 127) return '';
  return code < 128 || code > 159 ? String.fromCharCode(code) : (MIDDLE[code - 128] ?? '').trim();
}
