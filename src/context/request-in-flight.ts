import type { Identity } from './authentication.ts';
import { holderOf, type Quotas, type Release, workspaceHolder } from './quotas.ts';

/**
 * One request, from the moment that its sender is known until it has been answered. It is counted for
 * its sender at first, and for the workspace as soon as the sender is known to belong there: else
 * strangers could use up what a workspace may have.
 */
export class RequestInFlight {
  readonly #quotas: Quotas;
  readonly #releases: Release[] = [];
  #hasBegun = false;
  #workspaceId: string | null = null;
  #ended = false;

  constructor(quotas: Quotas) {
    this.#quotas = quotas;
  }

  /** Throws TOO_MANY_REQUESTS when its sender has too many of them. */
  begin(identity: Identity): void {
    if (this.#hasBegun) return;
    this.#keep(this.#quotas.take('requests', [holderOf(identity)]));
    this.#hasBegun = true;
  }

  /** Throws TOO_MANY_REQUESTS when the workspace has too many of them. */
  enter(workspaceId: string): void {
    if (this.#workspaceId === workspaceId) return;
    this.#keep(this.#quotas.take('requests', [workspaceHolder(workspaceId)]));
    this.#workspaceId = workspaceId;
  }

  /** Counts it no more. */
  end(): void {
    this.#ended = true;
    for (const release of this.#releases) release();
    this.#releases.length = 0;
  }

  #keep(release: Release): void {
    if (this.#ended) release();
    else this.#releases.push(release);
  }
}
