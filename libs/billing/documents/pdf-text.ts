import type { FontFiles, PdfFonts } from './pdf-fonts.ts';
import { describeStandardFont, STANDARD_CHARACTERS, type Pages } from './pdf-standard-fonts.ts';

export type Weight = 'regular' | 'bold';

export interface TextStyle {
  readonly size: number;
  readonly weight?: Weight;
  readonly color?: string;
}

/** How one character is shown: with a glyph of a font, or as an empty box where nothing has it. */
type Shown = { readonly kind: 'GLYPH'; readonly font: string; readonly text: string } | { readonly kind: 'BOX' };

const STANDARD = { regular: 'Helvetica', bold: 'Helvetica-Bold' } as const;
const BOX_WIDTH = 0.6;
const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' });
/** What almost every text is made of; the standard fonts have all of it. */
const PLAIN = /^[ -~]+$/;
const BLACK = '#111111';
/** Written otherwise than they stand there: the standard fonts lack them, and the reader does not miss them. */
const SAME_AS: Readonly<Record<string, string>> = {
  '\u2010': '-',
  '\u2011': '-',
  '\u2212': '-',
  '\u202f': '\u00a0',
  '\u2009': ' ',
  '\t': ' ',
};

/** Writes text on the pages of a document, with whatever fonts it takes, and remembers what none of them could show. */
export class PdfText {
  /** Characters that were drawn as boxes. */
  readonly unshown = new Set<string>();
  private readonly shown = { regular: new Map<string, Shown>(), bold: new Map<string, Shown>() };
  private readonly names: Readonly<Record<Weight, readonly string[]>>;

  /** `texts`: all that will be written. Where the standard fonts lack a character of it, all of it is set in the bundled ones: one document, one face. */
  constructor(
    private readonly page: Pages,
    fonts: PdfFonts,
    texts: readonly string[],
  ) {
    for (const name of Object.values(STANDARD)) describeStandardFont(page, name);
    const bundled: FontFiles = texts.every(isAllStandard) ? { regular: [], bold: [] } : fonts.bundled();
    const registered = (weight: Weight): string[] =>
      [...fonts[weight], ...bundled[weight]].map((file, index) => {
        const name = `${weight} ${index}`;
        page.registerFont(name, file);
        return name;
      });
    this.names = { regular: registered('regular'), bold: registered('bold') };
  }

  width(text: string, { size, weight = 'regular' }: TextStyle): number {
    return sumOf(this.runs(text, weight).map((run) => this.widthOf(run, size)));
  }

  /** Writes one line; `y` is the baseline, downwards from the top of the page. */
  write(text: string, x: number, y: number, { size, weight = 'regular', color = BLACK }: TextStyle): void {
    let at = x;
    for (const run of this.runs(text, weight)) {
      if (run.kind === 'BOX') this.box(at, y, size, color);
      else this.page.font(run.font).fontSize(size).fillColor(color).text(run.text, at, y, { lineBreak: false, baseline: 'alphabetic' });
      at += this.widthOf(run, size);
    }
  }

  /** Ends at `x`. */
  writeRight(text: string, x: number, y: number, style: TextStyle): void {
    this.write(text, x - this.width(text, style), y, style);
  }

  /** The text in lines of at most `width`, broken between words, and inside of a word that is too long for a line. At least one line. */
  lines(text: string, width: number, style: TextStyle): string[] {
    return text.split('\n').flatMap((paragraph) => this.paragraph(paragraph, width, style));
  }

  /** What of the text fits on one line, with dots where something is left out. */
  shortened(text: string, width: number, style: TextStyle): string {
    if (this.width(text, style) <= width) return text;
    const [first = ''] = this.lines(text, width - this.width('…', style), style);
    return `${first}…`;
  }

  private paragraph(text: string, width: number, style: TextStyle): string[] {
    const lines: string[] = [];
    let line = '';
    for (const word of text.split(' ')) {
      const longer = line === '' ? word : `${line} ${word}`;
      if (this.width(longer, style) <= width) {
        line = longer;
        continue;
      }
      if (line !== '') lines.push(line);
      const pieces = this.pieces(word, width, style);
      line = pieces.pop() ?? '';
      lines.push(...pieces);
    }
    return [...lines, line];
  }

  private pieces(word: string, width: number, style: TextStyle): string[] {
    const pieces: string[] = [];
    let piece = '';
    for (const character of charactersOf(word)) {
      if (piece !== '' && this.width(piece + character, style) > width) {
        pieces.push(piece);
        piece = '';
      }
      piece += character;
    }
    return [...pieces, piece];
  }

  /** Neighbours of one font are written together, so that they are kerned and shaped. */
  private runs(text: string, weight: Weight): Shown[] {
    if (this.names[weight].length === 0 && PLAIN.test(text)) return [{ kind: 'GLYPH', font: STANDARD[weight], text }];
    const runs: Shown[] = [];
    for (const character of charactersOf(text)) {
      const shown = this.shownAs(character, weight);
      const last = runs.at(-1);
      if (shown.kind === 'GLYPH' && last?.kind === 'GLYPH' && last.font === shown.font)
        runs[runs.length - 1] = { ...last, text: last.text + shown.text };
      else runs.push(shown);
    }
    return runs;
  }

  private shownAs(character: string, weight: Weight): Shown {
    const known = this.shown[weight].get(character);
    if (known !== undefined) return known;
    const shown = this.found(character, weight);
    if (shown.kind === 'BOX') this.unshown.add(character);
    this.shown[weight].set(character, shown);
    return shown;
  }

  private found(character: string, weight: Weight): Shown {
    const font = this.names[weight].find((name) => [...character].every((point) => this.hasGlyph(name, point)));
    if (font !== undefined) return { kind: 'GLYPH', font, text: character };
    const written = SAME_AS[character] ?? character;
    if (isStandard(written)) return { kind: 'GLYPH', font: STANDARD[weight], text: written };
    return { kind: 'BOX' };
  }

  private hasGlyph(name: string, character: string): boolean {
    // Of the library's own fonts: its types do not name the font that is set.
    const { _font: set } = this.page.font(name) as unknown as { _font: { font: { hasGlyphForCodePoint(codePoint: number): boolean } } };
    return set.font.hasGlyphForCodePoint(character.codePointAt(0) ?? 0);
  }

  private widthOf(run: Shown, size: number): number {
    if (run.kind === 'BOX') return BOX_WIDTH * size;
    return this.page.font(run.font).fontSize(size).widthOfString(run.text);
  }

  private box(x: number, y: number, size: number, color: string): void {
    this.page
      .rect(x + size * 0.06, y - size * 0.7, size * 0.46, size * 0.7)
      .lineWidth(size * 0.05)
      .strokeColor(color)
      .stroke();
  }
}

/** As a reader counts them: a letter with its marks is one. */
function charactersOf(text: string): string[] {
  return Array.from(GRAPHEMES.segment(text.normalize('NFC')), ({ segment }) => segment);
}

const isStandard = (character: string): boolean => STANDARD_CHARACTERS.has(character);

function isAllStandard(text: string): boolean {
  return PLAIN.test(text) || charactersOf(text).every((character) => character === '\n' || isStandard(SAME_AS[character] ?? character));
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
