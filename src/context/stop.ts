/**
 * Signals once that something must end early, and why. It is like an AbortSignal at a tenth of the
 * cost.
 */
export class Stop {
  #listeners: Set<(reason: Error) => void> | undefined;
  #reason: Error | undefined;

  /** The reason, once it was signalled. */
  get reason(): Error | undefined {
    return this.#reason;
  }

  /** Notifies the listeners. Only the first call has an effect. */
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

  /**
   * Calls `listener` when it is signalled, or at once if it was already. Returns the function that
   * removes the listener.
   */
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
