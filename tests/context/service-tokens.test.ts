import { generateKeyPair, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { createAuthentication } from '../../src/context/authentication.ts';
import { requirePerson, sessionOf } from '../../src/context/viewer.ts';
import {
  AUDIENCE,
  agentToken,
  ISSUER,
  SECRET,
  SERVICE_SECRET,
  token,
} from '../server/support/gateway.ts';

const PERSON = '4f6b0f4e-93a8-4c3b-9a52-0f1d7c1b2a3d';
const AGENT = { agent: 'scout', scopes: ['intelligence:write', '*:read'] };
const now = () => Math.floor(Date.now() / 1000);

const options = { secret: SECRET, issuer: ISSUER, audience: AUDIENCE };
const authenticate = createAuthentication({ ...options, serviceSecret: SERVICE_SECRET });

async function expectRefusal(bearer: string, reason: RegExp, by = authenticate) {
  await expect(by(`Bearer ${bearer}`)).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
    status: 401,
    message: expect.stringMatching(reason),
  });
}

describe('the token of an agent', () => {
  it('gives the name and scopes of the agent, with any issuer', async () => {
    const exp = now() + 60;
    for (const iss of [undefined, 'https://agents.example']) {
      expect(await authenticate(`Bearer ${await agentToken({ ...AGENT, iss, exp })}`)).toEqual({
        kind: 'agent',
        name: 'scout',
        scopes: AGENT.scopes,
        expiresAt: new Date(exp * 1000),
      });
    }
  });

  it('gives a session without a person', async () => {
    const identity = await authenticate(`Bearer ${await agentToken({ ...AGENT, sub: PERSON })}`);
    expect(sessionOf(identity, PERSON)).toEqual({
      role: 'authenticated',
      claims: { role: 'authenticated', ...AGENT },
      workspaceId: PERSON,
    });
    if (identity.kind !== 'agent') throw new Error("The token is not an agent's");
    expect(() => requirePerson({ viewer: identity })).toThrow(
      expect.objectContaining({ code: 'FORBIDDEN' }),
    );
  });

  it.each([
    ['expired', { exp: now() - 600 }, /expired at/],
    ['without an expiry', { exp: undefined }, /lacks the claim "exp"/],
    ['for another audience', { aud: 'others' }, /audience/],
    ['without an audience', { aud: undefined }, /lacks the claim "aud"/],
    ['not valid yet', { nbf: now() + 600 }, /not valid yet/],
    ['without an agent', { agent: undefined }, /lacks the claim "agent"/],
    ['without scopes', { scopes: undefined }, /lacks the claim "scopes"/],
    ['with a number as its agent', { agent: 7 }, /must name an agent/],
    ['with an empty agent name', { agent: '' }, /must name an agent/],
    ['with an agent name that Postgres cannot store', { agent: 'a\0b' }, /must name an agent/],
    ['with a string of scopes', { scopes: 'intelligence:write' }, /"scopes"/],
    ['with an invalid scope', { scopes: ['everything'] }, /"scopes"/],
    ['with an unknown action', { scopes: ['intelligence:delete'] }, /"scopes"/],
  ])('is refused %s', async (_, claims, reason) => {
    await expectRefusal(await agentToken({ ...AGENT, ...claims }), reason);
  });

  it("is refused if no key for agents' tokens is configured", async () => {
    const peopleOnly = createAuthentication(options);
    await expectRefusal(await agentToken(AGENT), /Tokens of agents are not accepted/, peopleOnly);
    await expectRefusal(await agentToken(AGENT, SECRET), /are not accepted/, peopleOnly);
  });
});

describe("the keys for people's and for agents' tokens", () => {
  it("refuse an agent's token that is signed with the key for people", async () => {
    await expectRefusal(await agentToken(AGENT, SECRET), /not signed with a key/);
  });

  it("ignore an agent's claims in a person's token", async () => {
    await expectRefusal(await token(AGENT), /lacks the claim "sub"/);
    const both = await authenticate(`Bearer ${await token({ ...AGENT, sub: PERSON })}`);
    expect(both).toMatchObject({ kind: 'person', id: PERSON });
    expect(sessionOf(both).claims).toEqual({ role: 'authenticated', sub: PERSON });
  });

  it("refuse a person's token that is signed with the key for agents", async () => {
    await expectRefusal(await token({ sub: PERSON }, SERVICE_SECRET), /not signed with a key/);
    await expectRefusal(await agentToken({ sub: PERSON, scopes: [] }), /lacks the claim "agent"/);
  });

  it("refuse an agent's token that is signed with a key pair", async () => {
    const { privateKey } = await generateKeyPair('ES256');
    const bearer = await new SignJWT({ ...AGENT, aud: AUDIENCE, exp: now() + 60 })
      .setProtectedHeader({ alg: 'ES256', typ: 'service+jwt' })
      .sign(privateKey);
    await expectRefusal(bearer, /must be signed with HS256/);
  });

  it('must differ', () => {
    expect(() => createAuthentication({ ...options, serviceSecret: SECRET })).toThrow(TypeError);
  });
});
