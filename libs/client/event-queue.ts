/** An event that waits, as the text that is sent. */
export interface QueuedEvent {
  readonly key: string;
  readonly text: string;
  /** Of the text in UTF-8, with what separates it from the next. */
  readonly bytes: number;
  readonly queuedAtMs: number;
  /** Its place among all events of the sender. */
  readonly place: number;
}

/** Events in the order in which they came. */
export class EventQueue {
  private events: (QueuedEvent | undefined)[] = [];
  private head = 0;
  private heldBytes = 0;

  get size(): number {
    return this.events.length - this.head;
  }

  get bytes(): number {
    return this.heldBytes;
  }

  get oldest(): QueuedEvent | undefined {
    return this.events[this.head];
  }

  add(event: QueuedEvent): void {
    this.events.push(event);
    this.heldBytes += event.bytes;
  }

  takeOldest(): QueuedEvent | undefined {
    const event = this.events[this.head];
    if (!event) return undefined;
    this.events[this.head++] = undefined;
    this.heldBytes -= event.bytes;
    // What was taken is let go in large steps: each event is moved once at the most, on average.
    if (this.head * 2 > this.events.length) {
      this.events = this.events.slice(this.head);
      this.head = 0;
    }
    return event;
  }

  /** The oldest events that make a batch: one at the least, however large it is. */
  takeBatch(maxEvents: number, maxBytes: number): QueuedEvent[] {
    const batch: QueuedEvent[] = [];
    let bytes = 0;
    while (batch.length < maxEvents) {
      const next = this.oldest;
      if (!next || (batch.length > 0 && bytes + next.bytes > maxBytes)) break;
      batch.push(next);
      bytes += next.bytes;
      this.takeOldest();
    }
    return batch;
  }
}

/** Bytes of a text in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    // Two units of a surrogate pair make four bytes; any other unit above U+07FF makes three.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}
