import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Identity } from './identity.ts';

const MAX_IDENTITIES = 5_000;
/** How long a token is taken without being verified again, in milliseconds. */
const KEPT_MS = 5 * 60_000;

/**
 * Keeps the identities of verified tokens for 5 minutes, but never longer than the tokens are valid.
 * Of a token it keeps a hash only.
 */
export class IdentityCache {
  readonly #identities = new LRUCache<string, { identity: Identity; until: number }>({
    max: MAX_IDENTITIES,
  });

  /** Returns the identity of a token that was verified before, undefined if there is none. */
  get(token: string): Identity | undefined {
    const found = this.#identities.get(hashOf(token));
    return found && found.until > Date.now() ? found.identity : undefined;
  }

  set(token: string, identity: Identity): void {
    const until = Math.min(identity.expiresAt.getTime(), Date.now() + KEPT_MS);
    this.#identities.set(hashOf(token), { identity, until });
  }

  /** Forgets all of them, so that each token is verified again. */
  clear(): void {
    this.#identities.clear();
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
