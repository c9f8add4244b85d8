import { SignJWT } from 'jose';
import { z } from 'zod';
import { type DemoPerson, demoPeople } from '../../../prisma/seed/people.ts';
import { SERVICE_TOKEN_TYPE } from '../../context/authentication.ts';
import { GatewayError } from '../../context/errors.ts';

const LIFETIME_MS = 24 * 60 * 60 * 1000;

/** The person who is signed in by default. */
export const firstDemoPerson = findDemoPerson('asha.rao@example.com');

export interface DemoTokenOptions {
  secret: string;
  /** Key of agents' tokens; without it none can be signed. */
  serviceSecret?: string;
  issuer?: string;
  audience: string;
}

/** Returns the person of the demo with this address. Throws BAD_USER_INPUT for others. */
export function findDemoPerson(email: unknown): DemoPerson {
  const address = z.string().toLowerCase().safeParse(email).data;
  const person = demoPeople.find((candidate) => candidate.email === address);
  if (person) return person;
  throw new GatewayError(
    'BAD_USER_INPUT',
    `"email" must be the address of a person of the demo, such as asha.rao@example.com.`,
    { argument: 'email', status: 400 },
  );
}

/** Returns a token for an agent. Throws BAD_USER_INPUT where agents cannot sign in. */
export async function signAgentToken(
  agent: string,
  scopes: readonly string[],
  { serviceSecret, audience }: DemoTokenOptions,
): Promise<string> {
  if (!serviceSecret) {
    throw new GatewayError('BAD_USER_INPUT', 'Tokens of agents need SERVICE_JWT_SECRET.');
  }
  return new SignJWT({ agent, scopes })
    .setProtectedHeader({ alg: 'HS256', typ: SERVICE_TOKEN_TYPE })
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime(new Date(Date.now() + LIFETIME_MS))
    .sign(new TextEncoder().encode(serviceSecret));
}

/** Returns a token for a person of the demo, and when it stops being valid. */
export async function signDemoToken(
  person: DemoPerson,
  { secret, issuer, audience }: DemoTokenOptions,
): Promise<{ token: string; expiresAt: Date }> {
  const expiresAt = new Date(Date.now() + LIFETIME_MS);
  const jwt = new SignJWT({ email: person.email, role: 'authenticated' })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(person.id)
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime(expiresAt);
  if (issuer) jwt.setIssuer(issuer);
  return { token: await jwt.sign(new TextEncoder().encode(secret)), expiresAt };
}
