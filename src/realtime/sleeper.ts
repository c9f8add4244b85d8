/** Sleeps until it is time, or until woken. */
export class Sleeper {
  #isWoken = false;
  #interrupt: (() => void) | undefined;

  /** Whether it was woken since `clear`. */
  get isWoken(): boolean {
    return this.#isWoken;
  }

  /** Ends `sleep`, and does not let it begin. */
  wake(): void {
    this.#isWoken = true;
    this.interrupt();
  }

  /** Forgets that it was woken. */
  clear(): void {
    this.#isWoken = false;
  }

  /** Ends `sleep`. */
  interrupt(): void {
    this.#interrupt?.();
  }

  /** Waits for so many milliseconds, or until woken. Returns whether all of the time passed. */
  sleep(ms: number): Promise<boolean> {
    if (this.#isWoken) return Promise.resolve(false);
    return new Promise((resolve) => {
      const end = (isOnTime: boolean) => {
        clearTimeout(timer);
        this.#interrupt = undefined;
        resolve(isOnTime);
      };
      const timer = setTimeout(end, ms, true);
      this.#interrupt = () => end(false);
    });
  }
}
