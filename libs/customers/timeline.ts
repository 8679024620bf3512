import type { Instant, Segment } from '@tare/core';

/** What holds in a stretch of a subscription's time. */
export type Agreement = Pick<
  Segment,
  'planVersionId' | 'seats' | 'addOns' | 'overrides' | 'paused' | 'anchor' | 'termStart' | 'trialEnd' | 'timeZone'
>;

/** A stretch, `[start, end)`; `end` is null where nothing ends it. `id`: of the segment that it is in the tables, null while it is none. */
export interface Stretch extends Agreement {
  readonly id: string | null;
  readonly start: Instant;
  readonly end: Instant | null;
}

/** What has to be written for segments to say what a timeline says. */
export interface TimelineEdit {
  /** Segments that end elsewhere now; at their start, they cover no time any more. */
  readonly resized: readonly { readonly id: string; readonly end: Instant | null }[];
  readonly added: readonly Stretch[];
  /** Before it nothing changes; null: nothing changes at all. */
  readonly from: Instant | null;
}

/** The stretches of a subscription's segments that cover time, in order. */
export function timelineOf(segments: readonly Segment[]): Stretch[] {
  return segments.filter(({ start, end }) => end === null || end > start).sort((a, b) => a.start - b.start);
}

/**
 * The timeline with something else agreed in `[from, until)`; `until` null: from there on. Stretches are cut at both ends, and what comes out the same as
 * the stretch before it goes on as that one.
 */
export function revised(
  timeline: readonly Stretch[],
  { from, until = null }: { readonly from: Instant; readonly until?: Instant | null },
  revise: (stretch: Stretch) => Partial<Agreement>,
): Stretch[] {
  const cut = timeline
    .flatMap((stretch) => cutAt(stretch, from))
    .flatMap((stretch) => (until === null ? [stretch] : cutAt(stretch, until)));
  const pieces = cut.map((stretch) => {
    if (stretch.start < from || (until !== null && stretch.start >= until)) return stretch;
    const next = { ...stretch, ...revise(stretch) };
    return agreesWith(stretch, next) ? stretch : { ...next, id: null };
  });
  return pieces.reduce<Stretch[]>(withPiece, []);
}

/** The writes that lead from segments to a timeline made of them by `revised`. */
export function timelineEdit(segments: readonly Segment[], timeline: readonly Stretch[]): TimelineEdit {
  const before = timelineOf(segments);
  const kept = new Map(timeline.flatMap((stretch) => (stretch.id === null ? [] : [[stretch.id, stretch] as const])));
  const resized = before.flatMap(({ id, start, end }) => {
    if (id === null) return [];
    const left = kept.get(id);
    const newEnd = left === undefined ? start : left.end;
    return newEnd === end ? [] : [{ id, end: newEnd, at: Math.min(newEnd ?? Infinity, end ?? Infinity) }];
  });
  const added = timeline.filter(({ id }) => id === null);
  const instants = [...resized.map(({ at }) => at), ...added.map(({ start }) => start)];
  return { resized: resized.map(({ id, end }) => ({ id, end })), added, from: instants.length === 0 ? null : Math.min(...instants) };
}

/** Whether two stretches have agreed the same. */
export function agreesWith(a: Agreement, b: Agreement): boolean {
  return (
    a.planVersionId === b.planVersionId &&
    a.seats === b.seats &&
    a.paused === b.paused &&
    a.anchor === b.anchor &&
    a.termStart === b.termStart &&
    a.trialEnd === b.trialEnd &&
    a.timeZone === b.timeZone &&
    JSON.stringify([a.addOns, a.overrides]) === JSON.stringify([b.addOns, b.overrides])
  );
}

function cutAt(stretch: Stretch, at: Instant): Stretch[] {
  if (at <= stretch.start || (stretch.end !== null && at >= stretch.end)) return [stretch];
  return [
    { ...stretch, end: at },
    { ...stretch, id: null, start: at },
  ];
}

/** Segments that are there stay apart: billing knows them by their ids. */
function withPiece(timeline: Stretch[], piece: Stretch): Stretch[] {
  const last = timeline.at(-1);
  if (last === undefined || piece.id !== null || last.end !== piece.start || !agreesWith(last, piece)) return [...timeline, piece];
  return [...timeline.slice(0, -1), { ...last, end: piece.end }];
}
