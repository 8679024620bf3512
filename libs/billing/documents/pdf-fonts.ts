import { readFileSync } from 'node:fs';
import path from 'node:path';

/** Font files for documents, in the order in which they are asked for a character. None: the standard fonts alone. */
export interface PdfFonts {
  readonly regular: readonly Buffer[];
  readonly bold: readonly Buffer[];
}

export const STANDARD_FONTS_ONLY: PdfFonts = { regular: [], bold: [] };

/**
 * TARE_PDF_FONTS and TARE_PDF_FONTS_BOLD: paths of font files (TTF, OTF or WOFF), divided as in PATH. The standard fonts of PDF have no Greek, Cyrillic or Chinese:
 * whose customers are named so, names fonts. Without bold ones the regular ones stand in for them. @throws Error for a file that cannot be read
 */
export function pdfFontsFrom(environment: Readonly<Record<string, string | undefined>>): PdfFonts {
  const regular = filesOf(environment, 'TARE_PDF_FONTS');
  const bold = filesOf(environment, 'TARE_PDF_FONTS_BOLD');
  return { regular, bold: [...bold, ...regular] };
}

function filesOf(environment: Readonly<Record<string, string | undefined>>, name: string): Buffer[] {
  const paths = (environment[name] ?? '').split(path.delimiter).filter((file) => file !== '');
  return paths.map((file) => {
    try {
      return readFileSync(file);
    } catch (error) {
      throw new Error(`${name} names the font file "${file}", which cannot be read.`, { cause: error });
    }
  });
}
