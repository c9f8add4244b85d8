import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  AUDIENCE,
  ISSUER,
  SECRET,
  startGateway,
  type TestGateway,
  token,
} from './support/gateway.ts';

const PERSON = '4f6b0f4e-93a8-4c3b-9a52-0f1d7c1b2a3d';
const now = () => Math.floor(Date.now() / 1000);
const base64url = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

let database: TestDatabase;
let gateway: TestGateway;
let withKeys: TestGateway;
let keySet: Awaited<ReturnType<typeof serveKeys>>;

beforeAll(async () => {
  database = await createTestDatabase();
  keySet = await serveKeys();
  gateway = await startGateway(database.gatewayUrl);
  withKeys = await startGateway(database.gatewayUrl, { authentication: { jwksUrl: keySet.url } });
});

afterAll(async () => {
  await Promise.all([gateway?.close(), withKeys?.close(), keySet?.close()]);
  await database?.close();
});

/** Publishes a key for each algorithm, as an identity provider does. */
async function serveKeys() {
  const pairs = await Promise.all(
    ['RS256', 'ES256', 'EdDSA'].map(async (alg) => {
      const pair = await generateKeyPair(alg, { extractable: true });
      const jwk = { ...(await exportJWK(pair.publicKey)), alg, kid: `key of ${alg}`, use: 'sig' };
      return { alg, jwk, ...pair };
    }),
  );
  let requests = 0;
  const server = createServer((_, response) => {
    requests += 1;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ keys: pairs.map(({ jwk }) => jwk) }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys.json`,
    pairs,
    requests: () => requests,
    /** Publishes another key. Returns its private key. */
    async publish(kid: string) {
      const pair = await generateKeyPair('ES256', { extractable: true });
      const jwk = { ...(await exportJWK(pair.publicKey)), alg: 'ES256', kid, use: 'sig' };
      pairs.push({ alg: 'ES256', jwk, ...pair });
      return pair.privateKey;
    },
    close: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function signed(key: Parameters<SignJWT['sign']>[0], alg: string, kid: string) {
  return new SignJWT({ iss: ISSUER, aud: AUDIENCE, exp: now() + 60, sub: PERSON })
    .setProtectedHeader({ alg, kid })
    .sign(key);
}

async function expectRefusal(at: TestGateway, authorization: string | undefined, reason: RegExp) {
  const answer = await at.ask('{ me }', authorization === undefined ? {} : { authorization });
  expect(answer.status).toBe(401);
  expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  expect(answer.data ?? null).toBeNull();
  expect(answer.errors).toHaveLength(1);
  expect(answer.errors?.[0]?.extensions).toEqual({ code: 'UNAUTHENTICATED' });
  expect(answer.errors?.[0]?.message).toMatch(reason);
}

describe('a valid token', () => {
  it('authenticates its subject', async () => {
    const answer = await gateway.ask('{ me setting }', {
      authorization: `Bearer ${await token({ sub: PERSON })}`,
    });
    expect(answer.errors).toBeUndefined();
    expect(answer.data).toEqual({ me: PERSON, setting: `${PERSON} -` });
  });

  it.each(['RS256', 'ES256', 'EdDSA'])('can be signed with a published %s key', async (alg) => {
    const pair = keySet.pairs.find((candidate) => candidate.alg === alg);
    if (!pair) throw new Error(`No key for ${alg}`);
    const bearer = await signed(pair.privateKey, alg, `key of ${alg}`);
    const { data } = await withKeys.ask('{ me }', { authorization: `Bearer ${bearer}` });
    expect(data).toEqual({ me: PERSON });
  });

  it('can be signed with the secret even if keys are published', async () => {
    const bearer = await token({ sub: PERSON });
    const { data } = await withKeys.ask('{ me }', { authorization: `bearer ${bearer}` });
    expect(data).toEqual({ me: PERSON });
  });

  it('is accepted a few seconds after its expiry, since clocks differ', async () => {
    const bearer = await token({ sub: PERSON, exp: now() - 2 });
    const { data } = await gateway.ask('{ me }', { authorization: `Bearer ${bearer}` });
    expect(data).toEqual({ me: PERSON });
  });

  it('can have its subject in upper case', async () => {
    const bearer = await token({ sub: PERSON.toUpperCase() });
    const { data } = await gateway.ask('{ me }', { authorization: `Bearer ${bearer}` });
    expect(data).toEqual({ me: PERSON });
  });
});

describe('a request without a valid token is refused', () => {
  const introspection = '{ __schema { queryType { name } } }';
  it.each([
    ['a query', '{ me }'],
    ['introspection', introspection],
    ['a mutation', 'mutation { touch }'],
    ['a subscription', 'subscription { ticks }'],
    ['an invalid document', '{ noSuchField }'],
    ['no document', '{'],
  ])('%s', async (_, query) => {
    const answer = await gateway.ask(query);
    expect(answer.status).toBe(401);
    expect(answer.errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
    expect(answer.text).not.toContain('noSuchField');
  });

  it('a GET request', async () => {
    const { status } = await gateway.send('/graphql?query={me}');
    expect(status).toBe(401);
  });

  it.each([
    ['no header', undefined, /Authorization: Bearer <token>/],
    ['another scheme', 'Basic dXNlcjpwYXNz', /form "Bearer <token>"/],
    ['an empty token', 'Bearer', /form "Bearer <token>"/],
    ['two tokens', 'Bearer a.b.c, Bearer a.b.c', /form "Bearer <token>"/],
    ['a token that is not a JWT', 'Bearer nonsense', /malformed/],
    ['empty parts', 'Bearer ..', /malformed/],
    ['parts that are not JSON', 'Bearer YQ.YQ.YQ', /malformed/],
    [
      'a JWT header that is not an object',
      `Bearer ${base64url([])}.${base64url({})}.YQ`,
      /malformed/,
    ],
  ])('%s', async (_, authorization, reason) => {
    await expectRefusal(gateway, authorization, reason);
  });

  it.each([
    ['expired', { exp: now() - 600 }, /expired at \d{4}-.*Z/],
    ['without an expiry', { exp: undefined }, /lacks the claim "exp"/],
    ['with an expiry that is not a number', { exp: 'tomorrow' as never }, /"exp" is not valid/],
    ['not valid yet', { nbf: now() + 600 }, /not valid yet/],
    ['of another issuer', { iss: 'https://elsewhere.example' }, /issuer/],
    ['without an issuer', { iss: undefined }, /lacks the claim "iss"/],
    ['for another audience', { aud: 'others' }, /audience/],
    ['without an audience', { aud: undefined }, /lacks the claim "aud"/],
    ['without a subject', { sub: undefined }, /lacks the claim "sub"/],
    ['with a subject that is not a UUID', { sub: 'asha' }, /must be a UUID/],
    ['with an empty subject', { sub: '' }, /must be a UUID/],
    ['of a trusted writer', { role: 'service_role' }, /API key/],
  ])('a token %s', async (_, claims, reason) => {
    await expectRefusal(gateway, `Bearer ${await token({ sub: PERSON, ...claims })}`, reason);
  });

  it('a token signed with another secret', async () => {
    const bearer = await token({ sub: PERSON }, 'another secret of the tests, as long');
    await expectRefusal(gateway, `Bearer ${bearer}`, /not signed with a key/);
  });

  it('a token with changed claims', async () => {
    const [header, , signature] = (await token({ sub: PERSON })).split('.');
    const claims = base64url({ iss: ISSUER, aud: AUDIENCE, exp: now() + 60, sub: PERSON });
    await expectRefusal(
      gateway,
      `Bearer ${header}.${claims}x.${signature}`,
      /not signed|malformed/,
    );
  });

  it.each(['none', 'None', 'HS512'])('a token with the algorithm %s', async (alg) => {
    const claims = base64url({ iss: ISSUER, aud: AUDIENCE, exp: now() + 60, sub: PERSON });
    const bearer = `${base64url({ alg, typ: 'JWT' })}.${claims}.`;
    await expectRefusal(gateway, `Bearer ${bearer}`, /signed with HS256|malformed/);
    await expectRefusal(withKeys, `Bearer ${bearer}`, /signed with HS256, RS256|malformed/);
  });

  it('a token signed with a public key as its secret', async () => {
    const [pair] = keySet.pairs;
    if (!pair) throw new Error('No key');
    for (const secret of [await exportSPKI(pair.publicKey), JSON.stringify(pair.jwk)]) {
      const bearer = await signed(new TextEncoder().encode(secret), 'HS256', 'key of RS256');
      await expectRefusal(withKeys, `Bearer ${bearer}`, /not signed with a key/);
    }
  });

  it('tokens signed with unknown keys, with at most two fetches of the key set', async () => {
    const { privateKey } = await generateKeyPair('ES256');
    const before = keySet.requests();
    const kids = [
      'key of RS256',
      'key of ES256',
      ...Array.from({ length: 20 }, (_, n) => `no ${n}`),
    ];
    await Promise.all(
      kids.map(async (kid) => {
        const bearer = await signed(privateKey, 'ES256', kid);
        await expectRefusal(withKeys, `Bearer ${bearer}`, /not signed with a key/);
      }),
    );
    expect(keySet.requests() - before).toBeLessThanOrEqual(2);
  });

  it('a token signed with a private key if only a secret is configured', async () => {
    const { privateKey } = await generateKeyPair('RS256');
    const bearer = await signed(privateKey, 'RS256', 'any');
    await expectRefusal(gateway, `Bearer ${bearer}`, /signed with HS256/);
  });
});

describe('when keys change', () => {
  it('a token of a new key is accepted', async () => {
    for (const kid of ['second', 'third']) {
      const bearer = await signed(await keySet.publish(kid), 'ES256', kid);
      const answered = await withKeys.ask('{ me }', { authorization: `Bearer ${bearer}` });
      expect(answered.data).toEqual({ me: PERSON });
    }
  });

  it('a token is verified once, and again after its key was removed', async () => {
    const bearer = await signed(await keySet.publish('leaving'), 'ES256', 'leaving');
    const headers = { authorization: `Bearer ${bearer}` };
    for (let n = 0; n < 3; n += 1) {
      expect((await withKeys.ask('{ me }', headers)).data).toEqual({ me: PERSON });
    }
    keySet.pairs.splice(
      keySet.pairs.findIndex(({ jwk }) => jwk.kid === 'leaving'),
      1,
    );
    expect((await withKeys.ask('{ me }', headers)).data).toEqual({ me: PERSON });
    // An unknown key makes the gateway fetch the key set again.
    const { privateKey } = await generateKeyPair('ES256');
    const unknown = await signed(privateKey, 'ES256', 'unknown');
    await expectRefusal(withKeys, `Bearer ${unknown}`, /not signed with a key/);
    await expectRefusal(withKeys, `Bearer ${bearer}`, /not signed with a key/);
  });
});

describe('when the keys cannot be fetched', () => {
  it('only tokens signed with the secret are accepted', async () => {
    const isolated = await startGateway(database.gatewayUrl, {
      authentication: { jwksUrl: 'http://127.0.0.1:9/keys.json' },
    });
    try {
      const { privateKey } = await generateKeyPair('ES256');
      const bearer = await signed(privateKey, 'ES256', 'any');
      const refused = await isolated.ask('{ me }', { authorization: `Bearer ${bearer}` });
      expect(refused.status).toBe(503);
      expect(refused.errors?.[0]?.extensions.code).toBe('SERVICE_UNAVAILABLE');
      expect(refused.text).not.toContain('127.0.0.1');
      const own = await token({ sub: PERSON }, SECRET);
      const answered = await isolated.ask('{ me }', { authorization: `Bearer ${own}` });
      expect(answered.data).toEqual({ me: PERSON });
    } finally {
      await isolated.close();
    }
  });
});

it('tokens are never logged', () => {
  const log = JSON.stringify([...gateway.log, ...withKeys.log]);
  expect(log).not.toMatch(/eyJ|Bearer/);
});
