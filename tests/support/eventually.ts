import { expect } from 'vitest';

/** Like `expect.poll`, with as long as a busy machine may take. */
export function eventually<T>(read: () => T) {
  return expect.poll(read, { timeout: 10_000, interval: 20 });
}
