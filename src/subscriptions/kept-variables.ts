import { GatewayError } from '../context/errors.ts';

/** Longest variables, in characters, that are kept as long as their subscription. */
const MAX_KEPT_VARIABLES = 100_000;

/**
 * Throws OPERATION_TOO_LARGE for variables, as JSON, that are longer than those of a subscription or
 * a live query may be.
 */
export function assertKeptVariables(json: string): void {
  if (json.length <= MAX_KEPT_VARIABLES) return;
  throw new GatewayError(
    'OPERATION_TOO_LARGE',
    `The variables of a subscription or live query may have at most ${MAX_KEPT_VARIABLES} characters.`,
    { status: 400 },
  );
}
