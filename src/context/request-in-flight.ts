import type { Identity } from './identity.ts';
import { type Holder, holderOf, type Quotas, type Release, workspaceHolder } from './quotas.ts';

/**
 * One request, from the moment that its sender is known until it has been answered. It counts for
 * its sender first, and for the workspace once the sender is known to belong there. Otherwise
 * strangers could use up the limits of a workspace.
 */
export class RequestInFlight {
  readonly #quotas: Quotas;
  readonly #releases: Release[] = [];
  readonly #counted = new Set<string>();
  #refusal: unknown;
  #ended = false;

  constructor(quotas: Quotas) {
    this.#quotas = quotas;
  }

  /** Throws TOO_MANY_REQUESTS if its sender has too many requests in flight. */
  begin(identity: Identity): void {
    this.#count(holderOf(identity));
  }

  /** Throws TOO_MANY_REQUESTS if the workspace has too many requests in flight. */
  enter(workspaceId: string): void {
    this.#count(workspaceHolder(workspaceId));
  }

  /** Stops counting it. */
  end(): void {
    this.#ended = true;
    for (const release of this.#releases) release();
    this.#releases.length = 0;
  }

  /** Once for each holder, however often it is asked. */
  #count(holder: Holder): void {
    if (this.#refusal) throw this.#refusal;
    const key = `${holder.scope} ${holder.id}`;
    if (this.#ended || this.#counted.has(key)) return;
    try {
      this.#releases.push(this.#quotas.take('requests', [holder]));
      this.#counted.add(key);
    } catch (error) {
      this.#refusal = error;
      throw error;
    }
  }
}
