import PDFDocument from 'pdfkit';
import { setImmediate } from 'node:timers/promises';
import type { BillingDocument, DocumentLine, DocumentParty, DocumentStep } from './document.ts';
import type { PdfFonts } from './pdf-fonts.ts';
import type { Pages } from './pdf-standard-fonts.ts';
import { PdfText, type TextStyle } from './pdf-text.ts';

/** A4, in points. */
const PAGE = { width: 595.28, height: 841.89, left: 48, right: 547.28, top: 48, bottom: 782 } as const;
const COLUMNS = { description: { x: PAGE.left, width: 232 }, quantity: 374, unitPrice: 458, amount: PAGE.right } as const;
const NUMBER_WIDTH = 80;
const TOTALS_LEFT = 300;
const FOOT = 806;

const GREY = '#666666';
const LIGHT = '#D5D5D5';
const TITLE: TextStyle = { size: 22, weight: 'bold' };
const NAME: TextStyle = { size: 10, weight: 'bold' };
const TEXT: TextStyle = { size: 9.5 };
const SMALL: TextStyle = { size: 8, color: GREY };
const HEAD: TextStyle = { size: 8, weight: 'bold', color: GREY };
const STRONG: TextStyle = { size: 11, weight: 'bold' };
const LEADING = 1.35;
const LEAST_SIZE = 5;
const LINES_AT_ONCE = 20;
/** Steps of a line that are never divided from it. */
const STEPS_TOGETHER = 12;

/** The document on pages of A4, as the bytes of a PDF. The same document and fonts give the same bytes. */
export async function documentPdf(document: BillingDocument, fonts: PdfFonts): Promise<Buffer> {
  const pages = new PDFDocument({
    size: 'A4',
    margin: 0,
    autoFirstPage: false,
    bufferPages: true,
    lang: 'en',
    displayTitle: true,
    info: {
      Title: titleOf(document),
      Author: document.seller.name,
      Creator: 'Tare',
      Producer: 'Tare',
      CreationDate: new Date(document.changedAtMs),
      ModDate: new Date(document.changedAtMs),
    },
  });
  const bytes = collected(pages);
  await new DocumentPages(pages, new PdfText(pages, fonts, textsOf(document)), document).draw();
  pages.end();
  return bytes;
}

/** Everything that a document says, whatever part it stands in. */
function textsOf(part: unknown): string[] {
  if (typeof part === 'string') return [part];
  return typeof part === 'object' && part !== null ? Object.values(part).flatMap(textsOf) : [];
}

function titleOf({ title, number, buyer, mark }: BillingDocument): string {
  return [title, number ?? mark ?? '', '-', buyer.name].filter((part) => part !== '').join(' ');
}

function collected(pages: Pages): Promise<Buffer> {
  const chunks: Buffer[] = [];
  return new Promise((resolve, reject) => {
    pages.on('data', (chunk: Buffer) => chunks.push(chunk));
    pages.on('end', () => resolve(Buffer.concat(chunks)));
    pages.on('error', reject);
  });
}

/** Writes from the top of the first page to the end of the last; `y` is where the next line begins. */
class DocumentPages {
  private y: number = PAGE.top;

  constructor(
    private readonly pages: Pages,
    private readonly text: PdfText,
    private readonly document: BillingDocument,
  ) {}

  /** Lets others go on between lines: thousands of them take seconds. */
  async draw(): Promise<void> {
    this.addPage();
    this.head();
    this.tableHead();
    for (const [index, line] of this.document.lines.entries()) {
      this.line(line);
      if (index % LINES_AT_ONCE === LINES_AT_ONCE - 1) await setImmediate();
    }
    if (this.document.lines.length === 0) this.paragraph('Nothing is billed.', PAGE.left, 300, SMALL);
    this.totals();
    this.notes();
    this.feet();
  }

  private addPage(): void {
    this.pages.addPage();
    this.y = PAGE.top;
    if (this.document.mark !== null) this.mark(this.document.mark);
  }

  /** Across the page, under everything else. */
  private mark(mark: string): void {
    const style: TextStyle = { size: 130, weight: 'bold', color: '#F0E4E4' };
    const [x, y] = [PAGE.width / 2, PAGE.height / 2];
    this.pages.save();
    this.pages.rotate(-50, { origin: [x, y] });
    this.text.write(mark, x - this.text.width(mark, style) / 2, y + 45, style);
    this.pages.restore();
  }

  private head(): void {
    const { title, seller, buyer, buyerLabel, facts } = this.document;
    const half = (PAGE.right - PAGE.left) / 2 - 12;
    const right = PAGE.left + half + 24;
    const top = this.y;
    this.paragraph(title, PAGE.left, half, TITLE);
    const titleEnd = this.y;
    this.y = top + 4;
    this.party(seller, right, half);
    this.y = Math.max(titleEnd, this.y) + 22;
    const middle = this.y;
    this.paragraph(buyerLabel, PAGE.left, half, HEAD);
    this.party(buyer, PAGE.left, half);
    const buyerEnd = this.y;
    this.y = middle;
    for (const { label, text } of facts) this.fact(label, text, right, half);
    this.y = Math.max(buyerEnd, this.y) + 24;
  }

  private party({ name, lines }: DocumentParty, x: number, width: number): void {
    this.paragraph(name, x, width, NAME);
    for (const line of lines) this.paragraph(line, x, width, TEXT);
  }

  private fact(label: string, text: string, x: number, width: number): void {
    const indent = 82;
    const top = this.y;
    this.paragraph(label, x, indent - 6, { ...SMALL, size: 8.5 });
    const labelEnd = this.y;
    this.y = top;
    this.paragraph(text, x + indent, width - indent, TEXT);
    this.y = Math.max(labelEnd, this.y);
  }

  private tableHead(): void {
    const y = this.y + HEAD.size;
    this.text.write('Description', COLUMNS.description.x, y, HEAD);
    this.text.writeRight('Quantity', COLUMNS.quantity, y, HEAD);
    this.text.writeRight('Unit price', COLUMNS.unitPrice, y, HEAD);
    this.text.writeRight(`Amount (${this.document.currency})`, COLUMNS.amount, y, HEAD);
    this.y += HEAD.size + 6;
    this.rule(PAGE.left, '#999999');
    this.y += 7;
  }

  /** A line stays together with its remarks and a few steps; many steps may go on on the next page, which says whose they are. */
  private line(line: DocumentLine): void {
    const { x, width } = COLUMNS.description;
    const description = this.text.lines(line.description, width, TEXT);
    const remarks = line.remarks.flatMap((remark) => this.text.lines(remark, width, SMALL));
    const together = line.steps.length <= STEPS_TOGETHER ? line.steps.length : 1;
    this.room(description.length * heightOf(TEXT) + (remarks.length + together) * heightOf(SMALL) + 6);
    const first = this.y + TEXT.size;
    this.number(line.quantity, COLUMNS.quantity, first, TEXT);
    this.number(line.unitPrice, COLUMNS.unitPrice, first, TEXT);
    this.number(line.amount, COLUMNS.amount, first, TEXT);
    for (const text of description) this.written(text, x, TEXT);
    for (const text of remarks) this.written(text, x, SMALL);
    for (const step of line.steps) this.step(step, `${description[0] ?? ''}, continued`);
    this.y += 4;
    this.rule(PAGE.left, '#E8E8E8');
    this.y += 6;
  }

  private step({ description, quantity, unitPrice, amount }: DocumentStep, continued: string): void {
    const [x, width] = [COLUMNS.description.x + 10, COLUMNS.description.width - 10];
    const lines = this.text.lines(description, width, SMALL);
    if (this.room(lines.length * heightOf(SMALL))) this.paragraph(continued, COLUMNS.description.x, COLUMNS.description.width, SMALL);
    const first = this.y + SMALL.size;
    this.number(quantity, COLUMNS.quantity, first, SMALL);
    this.number(unitPrice, COLUMNS.unitPrice, first, SMALL);
    this.number(amount, COLUMNS.amount, first, SMALL);
    for (const text of lines) this.written(text, x, SMALL);
  }

  /** The block of totals is never divided from itself. */
  private totals(): void {
    const { totals, currency } = this.document;
    this.y += 4;
    this.room(totals.reduce((height, { isStrong }) => height + (isStrong ? heightOf(STRONG) + 14 : heightOf(TEXT) + 3), 0));
    for (const { label, amount, isStrong } of totals) {
      const style = isStrong ? STRONG : TEXT;
      if (isStrong) {
        this.y += 3;
        this.rule(TOTALS_LEFT, '#999999');
        this.y += 5;
      }
      const baseline = this.y + style.size;
      const figure = isStrong ? `${currency} ${amount}` : amount;
      const width = PAGE.right - TOTALS_LEFT - this.text.width(figure, style) - 10;
      for (const text of this.text.lines(label, width, style)) this.written(text, TOTALS_LEFT, style);
      this.text.writeRight(figure, PAGE.right, baseline, style);
      this.y += 3;
    }
  }

  private notes(): void {
    const { notes } = this.document;
    const shown = [...notes];
    for (const note of notes) this.text.lines(note, PAGE.right - PAGE.left, SMALL);
    const unshown = [...this.text.unshown];
    if (unshown.length > 0) shown.push(unshownNote(unshown));
    if (shown.length === 0) return;
    this.y += 18;
    for (const note of shown) {
      for (const text of this.text.lines(note, PAGE.right - PAGE.left, SMALL)) {
        this.room(heightOf(SMALL), false);
        this.written(text, PAGE.left, SMALL);
      }
    }
  }

  /** What every page says at its foot, and at its head from the second on. */
  private feet(): void {
    const { count } = this.pages.bufferedPageRange();
    const { title, number, mark } = this.document;
    const name = `${title} ${number ?? ''}`.trim();
    for (let index = 0; index < count; index += 1) {
      this.pages.switchToPage(index);
      this.y = FOOT - 12;
      this.rule(PAGE.left, LIGHT);
      const rest = ['', name, mark ?? ''].filter((part, place) => place === 0 || part !== '').join('  ·  ');
      const seller = this.text.shortened(this.document.seller.name, 400 - this.text.width(rest, SMALL), SMALL);
      this.text.write(seller + rest, PAGE.left, FOOT, SMALL);
      this.text.writeRight(`Page ${index + 1} of ${count}`, PAGE.right, FOOT, SMALL);
    }
  }

  /** Begins a page where `height` is not left on this one; answers whether it has. */
  private room(height: number, isTable = true): boolean {
    if (this.y + height <= PAGE.bottom) return false;
    this.addPage();
    if (isTable) {
      const { title, number, buyer } = this.document;
      this.paragraph(`${title} ${number ?? ''} for ${buyer.name}, continued`.replace('  ', ' '), PAGE.left, PAGE.right - PAGE.left, SMALL);
      this.y += 10;
      this.tableHead();
    }
    return true;
  }

  private paragraph(text: string, x: number, width: number, style: TextStyle): void {
    for (const line of this.text.lines(text, width, style)) this.written(line, x, style);
  }

  private written(text: string, x: number, style: TextStyle): void {
    this.text.write(text, x, this.y + style.size, style);
    this.y += heightOf(style);
  }

  /** A figure is never broken: one that is too long for its column is written smaller. */
  private number(text: string, x: number, y: number, style: TextStyle): void {
    const width = this.text.width(text, style);
    const size = width <= NUMBER_WIDTH ? style.size : Math.max(LEAST_SIZE, (style.size * NUMBER_WIDTH) / width);
    this.text.writeRight(text, x, y, { ...style, size });
  }

  private rule(x: number, color: string): void {
    this.pages.moveTo(x, this.y).lineTo(PAGE.right, this.y).lineWidth(0.6).strokeColor(color).stroke();
  }
}

function unshownNote(characters: readonly string[]): string {
  const codes = characters.map((character) =>
    Array.from(character, (point) => `U+${(point.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`).join(' '),
  );
  return `Boxes stand for characters that the fonts of this document lack: ${codes.join(', ')}.`;
}

function heightOf({ size }: TextStyle): number {
  return size * LEADING;
}
