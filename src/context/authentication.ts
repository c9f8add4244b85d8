import { decodeProtectedHeader, errors, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import type { AgentIdentity, Identity, PersonIdentity } from './identity.ts';
import { IdentityCache } from './identity-cache.ts';
import { createSigningKeys } from './signing-keys.ts';
import { unauthenticated, verified } from './token-verification.ts';

/**
 * Returns the sender that an Authorization header names. Throws UNAUTHENTICATED with the reason, or
 * SERVICE_UNAVAILABLE while the signing keys cannot be fetched.
 */
export type Authenticate = (authorization: string | null) => Promise<Identity>;

/** Which tokens to trust: for people at least one of `secret` and `jwksUrl`. */
export interface AuthenticationOptions {
  /** Key of HS256 tokens, at least 32 bytes. */
  secret?: string;
  /** Where the public keys of RS256, ES256 and EdDSA tokens are published. */
  jwksUrl?: string;
  /**
   * Key of agents' tokens (HS256), at least 32 bytes, not used for anything else. Without it agents
   * are refused.
   */
  serviceSecret?: string;
  /** The trusted issuer of people's tokens. Agents' tokens only need their own key. */
  issuer?: string;
  audience: string;
  /** How far the issuer's clock may be off, in seconds. */
  clockTolerance?: number;
}

// A key of one family never verifies a token of the other: a public key is no HMAC secret.
const SECRET_ALGORITHMS = ['HS256'];
const PUBLIC_KEY_ALGORITHMS = ['RS256', 'ES256', 'EdDSA'];

/**
 * The `typ` of an agent's token. It decides which key is used, which is safe because the key
 * verifies the header too. Trying both keys would lose the reason of a refusal.
 */
export const SERVICE_TOKEN_TYPE = 'service+jwt';

// Postgres stores no text with other characters, and policies read the claims there.
const text = z.string().regex(/^[^\p{Cc}\p{Cs}]{1,320}$/u);

const personClaims = z.object({
  sub: z.guid().toLowerCase(),
  exp: z.number(),
  email: text.optional().catch(undefined),
  // Supabase signs its API keys with the same secret, with roles that no person has.
  role: z.literal('authenticated').optional(),
});

const agentClaims = z.object({
  agent: z.string().regex(/^[^\p{Cc}\p{Cs}]{1,200}$/u),
  scopes: z.array(z.string().regex(/^([a-z]+|\*):(read|write)$/)).max(100),
  exp: z.number(),
});

/** Builds the check of bearer tokens. Throws TypeError for options that no token could satisfy. */
export function createAuthentication(options: AuthenticationOptions): Authenticate {
  const { issuer, audience, clockTolerance = 5 } = options;
  const common = { audience, clockTolerance };
  const secret = options.secret ? new TextEncoder().encode(options.secret) : undefined;
  const identities = new IdentityCache();
  const publicKeys = options.jwksUrl
    ? createSigningKeys(options.jwksUrl, () => identities.clear())
    : undefined;
  const serviceSecret = options.serviceSecret
    ? new TextEncoder().encode(options.serviceSecret)
    : undefined;
  const algorithms = [
    ...(secret ? SECRET_ALGORITHMS : []),
    ...(publicKeys ? PUBLIC_KEY_ALGORITHMS : []),
  ];
  if (algorithms.length === 0) throw new TypeError('Tokens need a secret or a JWKS URL');
  if (options.secret && options.secret === options.serviceSecret) {
    throw new TypeError('Tokens of people and of agents need keys of their own');
  }

  const keyOfPeople: JWTVerifyGetKey = (header, token) => {
    if (secret && SECRET_ALGORITHMS.includes(header.alg)) return secret;
    if (publicKeys) return publicKeys.find(header, token);
    throw new errors.JOSEAlgNotAllowed();
  };

  const verifyPerson = async (token: string) => {
    const payload = await verified(token, keyOfPeople, {
      ...common,
      algorithms,
      requiredClaims: ['sub', 'exp'],
      ...(issuer ? { issuer } : {}),
    });
    return personOf(payload);
  };

  const verifyAgent = async (token: string) => {
    if (!serviceSecret) throw unauthenticated('Tokens of agents are not accepted here.');
    const payload = await verified(token, () => serviceSecret, {
      ...common,
      algorithms: SECRET_ALGORITHMS,
      requiredClaims: ['agent', 'scopes', 'exp'],
      typ: SERVICE_TOKEN_TYPE,
    });
    return agentOf(payload);
  };

  return async (authorization) => {
    const token = bearerToken(authorization);
    const known = identities.get(token);
    if (known) {
      publicKeys?.refresh();
      return known;
    }
    const identity = isServiceToken(token) ? await verifyAgent(token) : await verifyPerson(token);
    identities.set(token, identity);
    return identity;
  };
}

function personOf(payload: unknown): PersonIdentity {
  const claims = personClaims.safeParse(payload);
  if (!claims.success) {
    throw unauthenticated(
      claims.error.issues.some(({ path }) => path[0] === 'role')
        ? 'The token is an API key: only tokens of signed-in people are accepted.'
        : 'The token names no person: its subject (sub) must be a UUID.',
    );
  }
  const { sub, exp, email } = claims.data;
  return {
    kind: 'person',
    id: sub,
    expiresAt: new Date(exp * 1000),
    ...(email ? { email } : {}),
  };
}

function agentOf(payload: unknown): AgentIdentity {
  const claims = agentClaims.safeParse(payload);
  if (!claims.success) {
    throw unauthenticated(
      'The token must name an agent ("agent") and its "scopes", such as ["intelligence:write"].',
    );
  }
  const { agent, scopes, exp } = claims.data;
  return { kind: 'agent', name: agent, scopes, expiresAt: new Date(exp * 1000) };
}

function isServiceToken(token: string): boolean {
  try {
    return decodeProtectedHeader(token).typ === SERVICE_TOKEN_TYPE;
  } catch {
    // It is no token at all, which the check of people's tokens reports.
    return false;
  }
}

function bearerToken(authorization: string | null): string {
  if (authorization === null) {
    throw unauthenticated('Sign in first: send the header "Authorization: Bearer <token>".');
  }
  const token = /^Bearer +(\S+)$/i.exec(authorization.trim())?.[1];
  if (!token) {
    throw unauthenticated('The Authorization header must have the form "Bearer <token>".');
  }
  return token;
}
