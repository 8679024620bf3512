import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { unpackedWoff } from './unpack-woff.ts';

/** Font files, in the order in which they are asked for a character. */
export interface FontFiles {
  readonly regular: readonly Buffer[];
  readonly bold: readonly Buffer[];
}

/** Fonts for documents: those of whoever runs this come first, then the bundled ones where the standard fonts of PDF are not enough. */
export interface PdfFonts extends FontFiles {
  readonly bundled: () => FontFiles;
}

/** Noto Sans by script, as its package divides it; Latin first, so that a name in two alphabets changes files as seldom as can be. */
const SCRIPTS = ['latin', 'latin-ext', 'vietnamese', 'greek', 'greek-ext', 'cyrillic', 'cyrillic-ext', 'devanagari'];
const NO_FILES: FontFiles = { regular: [], bold: [] };
const packages = createRequire(import.meta.url);

/** What every reader has; specs that read a page's text need it. */
export const STANDARD_FONTS_ONLY: PdfFonts = { ...NO_FILES, bundled: () => NO_FILES };

/**
 * TARE_PDF_FONTS and TARE_PDF_FONTS_BOLD: paths of font files (TTF, OTF or WOFF), divided as in PATH. Without them documents are set in the standard fonts, and in
 * Noto Sans where those lack a letter; whose customers are named in Chinese, Arabic or others that it lacks, names fonts. Without bold ones the regular ones stand
 * in for them. @throws Error for a file that cannot be read
 */
export function pdfFontsFrom(environment: Readonly<Record<string, string | undefined>>): PdfFonts {
  const regular = filesOf(environment, 'TARE_PDF_FONTS');
  const bold = filesOf(environment, 'TARE_PDF_FONTS_BOLD');
  return { regular, bold: [...bold, ...regular], bundled: bundledFonts() };
}

/** Read when they are needed first: most documents need none. */
function bundledFonts(): () => FontFiles {
  let files: FontFiles | null = null;
  return () => (files ??= { regular: notoSans(400), bold: notoSans(700) });
}

function notoSans(weight: 400 | 700): Buffer[] {
  return SCRIPTS.map((script) =>
    unpackedWoff(readFileSync(packages.resolve(`@fontsource/noto-sans/files/noto-sans-${script}-${weight}-normal.woff`))),
  );
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
