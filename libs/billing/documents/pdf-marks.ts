/** A pen on the page, in thousandths of the text's size: x to the right, y upwards from the baseline. */
export interface Pen {
  /** Draws lines through the points. */
  line(...points: readonly (readonly [x: number, y: number])[]): void;
  curve(from: readonly [number, number], control: readonly [number, number], to: readonly [number, number]): void;
  dot(x: number, y: number): void;
  ring(x: number, y: number, radius: number): void;
}

type Mark = (pen: Pen, x: number, y: number) => void;

/** Helvetica's own measures. */
const X_HEIGHT = 523;
const CAP_HEIGHT = 718;
const GAP = 75;
const ASCENDING = /[A-Zbdfhklt0-9]/;
/** On these a caron is written as an apostrophe behind the letter. */
const TALL = /[dtlL]/;

/** Marks above a letter: `y` is where the mark begins. */
const ABOVE: Readonly<Record<string, Mark>> = {
  '\u0300': (pen, x, y) => pen.line([x - 70, y + 150], [x + 40, y]),
  '\u0301': (pen, x, y) => pen.line([x + 70, y + 150], [x - 40, y]),
  '\u0302': (pen, x, y) => pen.line([x - 100, y], [x, y + 130], [x + 100, y]),
  '\u0303': (pen, x, y) => {
    pen.curve([x - 120, y + 20], [x - 70, y + 150], [x, y + 75]);
    pen.curve([x, y + 75], [x + 70, y], [x + 120, y + 130]);
  },
  '\u0304': (pen, x, y) => pen.line([x - 120, y + 65], [x + 120, y + 65]),
  '\u0306': (pen, x, y) => pen.curve([x - 110, y + 140], [x, y - 120], [x + 110, y + 140]),
  '\u0307': (pen, x, y) => pen.dot(x, y + 70),
  '\u0308': (pen, x, y) => {
    pen.dot(x - 85, y + 70);
    pen.dot(x + 85, y + 70);
  },
  '\u030A': (pen, x, y) => pen.ring(x, y + 75, 75),
  '\u030B': (pen, x, y) => {
    pen.line([x - 10, y + 150], [x - 90, y]);
    pen.line([x + 130, y + 150], [x + 40, y]);
  },
  '\u030C': (pen, x, y) => pen.line([x - 100, y + 130], [x, y], [x + 100, y + 130]),
};

/** Marks below a letter or at its foot. */
const BELOW: Readonly<Record<string, Mark>> = {
  '\u0323': (pen, x) => pen.dot(x, -130),
  '\u0326': (pen, x) => pen.line([x + 25, -70], [x - 25, -210]),
  '\u0327': (pen, x) => pen.curve([x, 0], [x + 140, -160], [x - 60, -200]),
  '\u0328': (pen, x) => pen.curve([x + 110, 0], [x - 10, -190], [x + 190, -190]),
};

/** Letters with a stroke, and the letter that is struck: where from and where to, in parts of its width. */
const STRUCK: Readonly<Record<string, { base: string; from: readonly [number, number]; to: readonly [number, number] }>> = {
  ł: { base: 'l', from: [0.05, 270], to: [0.95, 430] },
  Ł: { base: 'L', from: [-0.02, 270], to: [0.55, 460] },
  đ: { base: 'd', from: [0.45, 600], to: [1.05, 600] },
  Đ: { base: 'D', from: [-0.04, 360], to: [0.45, 360] },
  ħ: { base: 'h', from: [-0.05, 600], to: [0.6, 600] },
  Ħ: { base: 'H', from: [-0.02, 550], to: [1.02, 550] },
  ŧ: { base: 't', from: [-0.05, 300], to: [1.05, 300] },
  Ŧ: { base: 'T', from: [0.2, 360], to: [0.8, 360] },
};

/** A letter that the standard fonts have no glyph for, as one of theirs and what is drawn on it. */
export interface MarkedLetter {
  /** A letter of the standard fonts. */
  readonly base: string;
  /** `width`: that of the base, in thousandths. */
  draw(pen: Pen, width: number): void;
}

/**
 * Latin letters beyond those of Western Europe, made of letters that every PDF reader has and of marks that are drawn: names of most of Europe are shown without
 * a font file. Null for what can't be made so. @param isKnown whether the standard fonts have a letter
 */
export function markedLetter(letter: string, isKnown: (letter: string) => boolean): MarkedLetter | null {
  const struck = STRUCK[letter];
  if (struck !== undefined) {
    const { base, from, to } = struck;
    return { base, draw: (pen, width) => pen.line([from[0] * width, from[1]], [to[0] * width, to[1]]) };
  }
  const [base = '', ...marks] = letter.normalize('NFD');
  if (marks.length === 0 || !isKnown(base) || !marks.every((mark) => mark in ABOVE || mark in BELOW)) return null;
  return { base, draw: (pen, width) => drawMarks(pen, base, marks, width) };
}

function drawMarks(pen: Pen, base: string, marks: readonly string[], width: number): void {
  let y = (ASCENDING.test(base) ? CAP_HEIGHT : X_HEIGHT) + GAP;
  for (const mark of marks) {
    if (mark === '\u030C' && TALL.test(base)) pen.line([width * 0.95, CAP_HEIGHT + 20], [width * 0.85, CAP_HEIGHT - 160]);
    else if (mark in BELOW) BELOW[mark]?.(pen, width / 2, 0);
    else {
      ABOVE[mark]?.(pen, width / 2, y);
      y += 190;
    }
  }
}
