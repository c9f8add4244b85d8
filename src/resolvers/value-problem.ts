import { limits } from './limits.ts';

const MIN_YEAR = 1;
const MAX_YEAR = 9999;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Returns what is wrong with a value that a scalar of the API accepts but no column can hold;
 * undefined when nothing is. Every value of a client is checked here before it becomes part of a
 * statement: from arguments, inputs, filters, ids and cursors.
 */
export function valueProblem(value: unknown): string | undefined {
  if (typeof value === 'string') return textProblem(value);
  if (typeof value === 'number') {
    return Number.isFinite(value) ? undefined : 'The number is too large.';
  }
  if (typeof value === 'bigint') {
    return BigInt.asIntN(64, value) === value ? undefined : 'The number does not fit into 64 bits.';
  }
  if (value instanceof Date) {
    const year = value.getUTCFullYear();
    return year >= MIN_YEAR && year <= MAX_YEAR
      ? undefined
      : `The year must be between ${MIN_YEAR} and ${MAX_YEAR}.`;
  }
  return undefined;
}

/** The same for a text. */
export function textProblem(text: string): string | undefined {
  if (text.includes('\0')) return 'A text cannot contain the character U+0000.';
  return LONE_SURROGATE.test(text) ? 'The text is not well-formed Unicode.' : undefined;
}

/** The same for a JSON value with everything in it, keys included. */
export function jsonProblem(value: unknown, depth = 0): string | undefined {
  if (depth > limits.maxJsonDepth) return `JSON nests at most ${limits.maxJsonDepth} levels.`;
  if (typeof value === 'number' && !Number.isFinite(value))
    return 'A number is too large for JSON.';
  if (value === null || typeof value !== 'object') return valueProblem(value);
  if (Array.isArray(value)) {
    for (const item of value) {
      const problem = jsonProblem(item, depth + 1);
      if (problem) return problem;
    }
    return undefined;
  }
  for (const [key, item] of Object.entries(value)) {
    const problem = textProblem(key) ?? jsonProblem(item, depth + 1);
    if (problem) return problem;
  }
  return undefined;
}
