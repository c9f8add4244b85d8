import { randomBytes } from 'node:crypto';
import { createSeal } from '../../src/context/seal.ts';

const key = randomBytes(32);

/** Seals for tests that build contexts without a gateway. */
export const seal = createSeal(() => key);
