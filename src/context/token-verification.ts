import { errors, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose';
import { GatewayError } from './errors.ts';

/** The end of the year 9999, in seconds. */
const MAX_SECONDS = 253_402_300_799;
const MOMENTS = ['exp', 'nbf', 'iat'];

const CLAIM_REASONS: Record<string, string> = {
  iss: 'The token comes from an issuer (iss) that this server does not trust.',
  aud: 'The token is meant for another audience (aud).',
  nbf: 'The token is not valid yet (nbf).',
};

/**
 * Returns the claims of a token. Throws UNAUTHENTICATED with the reason when it is not valid,
 * or SERVICE_UNAVAILABLE while the signing keys cannot be fetched.
 */
export async function verified(
  token: string,
  key: JWTVerifyGetKey,
  options: JWTVerifyOptions & { algorithms: string[] },
): Promise<unknown> {
  const { payload } = await jwtVerify(token, key, options).catch((error: unknown) => {
    throw refusal(error, options.algorithms);
  });
  const unreadable = MOMENTS.find((claim) => claim in payload && !momentOf(payload[claim]));
  if (unreadable) throw notAMoment(unreadable);
  return payload;
}

/** Returns the value of a claim in seconds since 1970; undefined if it is no such number. */
function momentOf(seconds: unknown): Date | undefined {
  return typeof seconds === 'number' && seconds >= 0 && seconds <= MAX_SECONDS
    ? new Date(seconds * 1000)
    : undefined;
}

function notAMoment(claim: string): GatewayError {
  return unauthenticated(
    `The token's claim "${claim}" must be a number of seconds between the years 1970 and 9999.`,
  );
}

function refusal(error: unknown, algorithms: readonly string[]): GatewayError {
  if (error instanceof errors.JWTExpired) {
    const expiredAt = momentOf(error.payload.exp);
    return expiredAt
      ? unauthenticated(`The token expired at ${expiredAt.toISOString()}: sign in again.`)
      : notAMoment('exp');
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason } = error;
    return unauthenticated(
      reason === 'missing'
        ? `The token lacks the claim "${claim}".`
        : (CLAIM_REASONS[claim] ?? `The token's claim "${claim}" is not valid.`),
    );
  }
  if (
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  ) {
    return unauthenticated('The token is not signed with a key that this server trusts.');
  }
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return unauthenticated(`The token must be signed with ${algorithms.join(', ')}.`);
  }
  if (
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JOSENotSupported
  ) {
    return unauthenticated('The token is malformed: it is not a signed JSON Web Token.');
  }
  return new GatewayError(
    'SERVICE_UNAVAILABLE',
    'Tokens cannot be checked right now: the signing keys are out of reach. Try again shortly.',
    { status: 503, cause: error },
  );
}

/** Returns the error for a sender who is not signed in, with its reason. */
export function unauthenticated(message: string): GatewayError {
  return new GatewayError('UNAUTHENTICATED', message, { status: 401 });
}
