import { expect } from 'vitest';

/** Like `expect.poll`, with a timeout for busy machines. */
export function eventually<T>(read: () => T) {
  return expect.poll(read, { timeout: 10_000, interval: 20 });
}
