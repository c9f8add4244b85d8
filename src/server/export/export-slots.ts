import { Counter, Gauge, type Registry } from 'prom-client';
import { GatewayError } from '../../context/errors.ts';

/** How an export ended: complete, given up by its client, or with an error. */
export type Outcome = 'finished' | 'left' | 'failed';

/** How many exports run at a time: one of each holder, and so many in this process. */
export class ExportSlots {
  readonly #most: number;
  readonly #outcomes: Counter<'outcome'> | null;
  readonly #holders = new Set<string>();

  constructor(most: number, metrics?: Registry) {
    this.#most = most;
    this.#outcomes = metrics ? this.#register([metrics]) : null;
  }

  /**
   * Counts an export until the returned function is called with how it ended. Throws TOO_MANY_REQUESTS if
   * the holder has one, or if there are as many as there may be.
   */
  take(holder: string): (outcome: Outcome) => void {
    if (this.#holders.has(holder)) {
      throw refusal('This workspace has an export running, and may have one at a time.');
    }
    if (this.#holders.size >= this.#most) {
      throw refusal(
        `There are ${this.#most} exports running here, which is as many as there may be.`,
      );
    }
    this.#holders.add(holder);
    return (outcome) => {
      this.#holders.delete(holder);
      this.#outcomes?.inc({ outcome });
    };
  }

  #register(registers: Registry[]): Counter<'outcome'> {
    const holders = this.#holders;
    new Gauge({
      name: 'codex_exports_running',
      help: 'Exports that are being sent.',
      registers,
      collect() {
        this.set(holders.size);
      },
    });
    const outcomes = new Counter({
      name: 'codex_exports_total',
      help: 'Exports that have ended, by how: finished, left by the client, or failed.',
      labelNames: ['outcome'] as const,
      registers,
    });
    for (const outcome of ['finished', 'left', 'failed']) outcomes.inc({ outcome }, 0);
    return outcomes;
  }
}

function refusal(message: string): GatewayError {
  return new GatewayError('TOO_MANY_REQUESTS', `${message} Try again when it has ended.`, {
    status: 429,
  });
}
