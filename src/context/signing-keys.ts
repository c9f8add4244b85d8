import { setTimeout as delay } from 'node:timers/promises';
import { createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose';

/** How soon the key set may be fetched again for a key that it lacks, in milliseconds. */
const REFETCH_MS = 1_000;
/** How old the key set may be while tokens are taken that were verified before, in milliseconds. */
const REFRESH_MS = 60_000;

/** The public keys that verify tokens. */
export interface SigningKeys {
  find: JWTVerifyGetKey;
  /** Fetches the key set again in the background, if that was not done for a minute. */
  refresh(): void;
}

/**
 * Returns the look-up of the public keys that are published at `url`. A key that the set lacks is
 * looked for in a set fetched after the token arrived, so a key published a moment ago is found.
 * However many tokens name unknown keys, the set is fetched at most once a second. `onRemoved` is
 * called when a key is no longer published.
 */
export function createSigningKeys(url: string, onRemoved: () => void): SigningKeys {
  const keys = createRemoteJWKSet(new URL(url), { cooldownDuration: REFETCH_MS });
  let published: string[] = [];
  let refreshedAt = Date.now();

  const compare = () => {
    const now = (keys.jwks()?.keys ?? []).map((key) => JSON.stringify(key));
    if (published.some((key) => !now.includes(key))) onRemoved();
    published = now;
  };
  const find: JWTVerifyGetKey = async (header, token) => {
    try {
      return await keys(header, token);
    } finally {
      compare();
    }
  };
  return {
    async find(header, token) {
      const isRecent = keys.coolingDown;
      try {
        return await find(header, token);
      } catch (error) {
        if (!isRecent || !(error instanceof errors.JWKSNoMatchingKey)) throw error;
        await delay(REFETCH_MS);
        return find(header, token);
      }
    },
    refresh() {
      if (Date.now() - refreshedAt < REFRESH_MS) return;
      refreshedAt = Date.now();
      // While the set is out of reach, the keys that are known stay.
      keys.reload().then(compare, () => {});
    },
  };
}
