/**
 * Work that runs side by side, a few pieces at a time, and whose results are handed on one after the other in the order of their start. The first failure stops
 * everything: what comes after it is neither started nor handed on.
 */
export class Flights<Result> {
  private underWay = 0;
  private failure: { readonly error: unknown } | null = null;
  /** Ends when everything that was started has been handed on, and never fails. */
  private tail: Promise<void> = Promise.resolve();
  private wakeUp: (() => void) | null = null;

  /**
   * @param most pieces at a time
   * @param handOn is awaited before the next result is handed on
   * @param idle is told when nothing is under way any more
   * @param failed is told of the first failure
   */
  constructor(
    private readonly most: number,
    private readonly handOn: (result: Result) => Promise<void>,
    private readonly idle: () => void,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** Whether nothing is under way. */
  get isIdle(): boolean {
    return this.underWay === 0;
  }

  /** Starts a piece of work as soon as there is room for it. @throws the first failure */
  async start(work: () => Promise<Result>): Promise<void> {
    while (this.underWay >= this.most && this.failure === null) await new Promise<void>((resolve) => (this.wakeUp = resolve));
    if (this.failure !== null) throw this.failure.error;
    this.underWay += 1;
    const result = work();
    // It may fail before its turn comes.
    result.catch(() => undefined);
    this.tail = this.tail.then(() => this.finish(result));
  }

  /** When everything has been handed on. @throws the first failure */
  async end(): Promise<void> {
    await this.tail;
    if (this.failure !== null) throw this.failure.error;
  }

  /** When nothing is under way any more, however it ended. */
  async settle(): Promise<void> {
    await this.tail;
  }

  private async finish(work: Promise<Result>): Promise<void> {
    try {
      const result = await work;
      if (this.failure === null) await this.handOn(result);
    } catch (error) {
      if (this.failure === null) {
        this.failure = { error };
        this.failed(error);
      }
    } finally {
      this.underWay -= 1;
      this.wakeUp?.();
    }
    if (this.underWay === 0 && this.failure === null) this.idle();
  }
}
