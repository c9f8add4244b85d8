/** Says once that something is to end before it is done, and why: an AbortSignal at a tenth of its cost. */
export class Stop {
  #listeners: Set<(reason: Error) => void> | undefined;
  #reason: Error | undefined;

  /** Set once it has been said. */
  get reason(): Error | undefined {
    return this.#reason;
  }

  /** Tells those who listen. Only the first call has an effect. */
  stop(reason: Error): void {
    if (this.#reason) return;
    this.#reason = reason;
    const listeners = [...(this.#listeners ?? [])];
    this.#listeners = undefined;
    for (const listener of listeners) listener(reason);
  }

  throwIfStopped(): void {
    if (this.#reason) throw this.#reason;
  }

  /** Calls `listener` when it is said, at once if it has been. Returns what takes the listener back. */
  listen(listener: (reason: Error) => void): () => void {
    if (this.#reason) {
      listener(this.#reason);
      return () => {};
    }
    this.#listeners ??= new Set();
    this.#listeners.add(listener);
    return () => this.#listeners?.delete(listener);
  }
}
