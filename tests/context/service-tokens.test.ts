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
  it('names it and its scopes, whoever issued it', async () => {
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

  it('gives the session no person', async () => {
    const identity = await authenticate(`Bearer ${await agentToken({ ...AGENT, sub: PERSON })}`);
    expect(sessionOf(identity, PERSON)).toEqual({
      role: 'authenticated',
      claims: { role: 'authenticated', ...AGENT },
      workspaceId: PERSON,
    });
    if (identity.kind !== 'agent') throw new Error('It stands for a person');
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
    ['with an agent that is no name', { agent: 7 }, /must name an agent/],
    ['with an empty name', { agent: '' }, /must name an agent/],
    ['with a name that no column takes', { agent: 'a\0b' }, /must name an agent/],
    ['with scopes in one text', { scopes: 'intelligence:write' }, /"scopes"/],
    ['with a scope that is none', { scopes: ['everything'] }, /"scopes"/],
    ['with an action that is none', { scopes: ['intelligence:delete'] }, /"scopes"/],
  ])('is refused %s', async (_, claims, reason) => {
    await expectRefusal(await agentToken({ ...AGENT, ...claims }), reason);
  });

  it('is not taken where no key of agents is set', async () => {
    const peopleOnly = createAuthentication(options);
    await expectRefusal(await agentToken(AGENT), /Tokens of agents are not taken/, peopleOnly);
    await expectRefusal(await agentToken(AGENT, SECRET), /are not taken/, peopleOnly);
  });
});

describe('the keys of people and of agents are apart', () => {
  it("people's does not sign agents in", async () => {
    await expectRefusal(await agentToken(AGENT, SECRET), /not signed with a key/);
  });

  it('whatever claims it signs as those of a person', async () => {
    await expectRefusal(await token(AGENT), /lacks the claim "sub"/);
    const both = await authenticate(`Bearer ${await token({ ...AGENT, sub: PERSON })}`);
    expect(both).toMatchObject({ kind: 'person', id: PERSON });
    expect(sessionOf(both).claims).toEqual({ role: 'authenticated', sub: PERSON });
  });

  it("agents' does not sign people in", async () => {
    await expectRefusal(await token({ sub: PERSON }, SERVICE_SECRET), /not signed with a key/);
    await expectRefusal(await agentToken({ sub: PERSON, scopes: [] }), /lacks the claim "agent"/);
  });

  it('a key pair signs no agents in', async () => {
    const { privateKey } = await generateKeyPair('ES256');
    const bearer = await new SignJWT({ ...AGENT, aud: AUDIENCE, exp: now() + 60 })
      .setProtectedHeader({ alg: 'ES256', typ: 'service+jwt' })
      .sign(privateKey);
    await expectRefusal(bearer, /must be signed with HS256/);
  });

  it('cannot be the same', () => {
    expect(() => createAuthentication({ ...options, serviceSecret: SECRET })).toThrow(TypeError);
  });
});
