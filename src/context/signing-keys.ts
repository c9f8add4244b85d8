import { setTimeout as delay } from 'node:timers/promises';
import { createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose';

/** How soon the key set may be fetched again for a key that it lacks, in milliseconds. */
const REFETCH_MS = 1_000;

/**
 * Returns the look-up of the public keys that are published at `url`. A key that the set lacks is
 * looked for in a set fetched after the token arrived, so a key published a moment ago is found.
 * However many tokens name unknown keys, the set is fetched at most once a second.
 */
export function createSigningKeys(url: string): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(new URL(url), { cooldownDuration: REFETCH_MS });
  return async (header, token) => {
    const isRecent = keys.coolingDown;
    try {
      return await keys(header, token);
    } catch (error) {
      if (!isRecent || !(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await delay(REFETCH_MS);
      return keys(header, token);
    }
  };
}
