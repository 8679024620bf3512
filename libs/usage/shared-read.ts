interface Reading<Value> {
  running: Promise<Value>;
  next: Promise<Value> | null;
}

/**
 * Lets concurrent callers share reads without ever handing out a value older than the call: who comes while a read runs shares the one that starts
 * after it.
 */
export class SharedRead<Value> {
  private readonly readings = new Map<string, Reading<Value>>();

  constructor(private readonly read: (key: string) => Promise<Value>) {}

  of(key: string): Promise<Value> {
    const reading = this.readings.get(key);
    if (reading === undefined) return this.start(key);
    const again = (): Promise<Value> => this.start(key);
    reading.next ??= reading.running.then(again, again);
    return reading.next;
  }

  private start(key: string): Promise<Value> {
    const reading: Reading<Value> = { running: this.read(key), next: null };
    this.readings.set(key, reading);
    const forget = (): void => {
      if (reading.next === null) this.readings.delete(key);
    };
    reading.running.then(forget, forget);
    return reading.running;
  }
}
