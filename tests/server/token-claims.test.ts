import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SERVICE_TOKEN_TYPE } from '../../src/context/authentication.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  AUDIENCE,
  ISSUER,
  SECRET,
  SERVICE_SECRET,
  startGateway,
  type TestGateway,
} from './support/gateway.ts';

const PERSON = '4f6b0f4e-93a8-4c3b-9a52-0f1d7c1b2a3d';

let database: TestDatabase;
let gateway: TestGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await startGateway(database.gatewayUrl);
});
afterAll(async () => {
  await gateway?.close();
  await database?.close();
});

const base64url = (text: string) => Buffer.from(text).toString('base64url');

/** Returns a correctly signed token with claims in raw JSON. */
function signed(header: object, secret: string, claims: Record<string, string>): string {
  const members = Object.entries(claims).map(([name, json]) => `"${name}":${json}`);
  const content = `${base64url(JSON.stringify(header))}.${base64url(`{${members.join()}}`)}`;
  return `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`;
}

const soon = String(Math.floor(Date.now() / 1000) + 60);

const kinds: Record<string, (claims: Record<string, string>) => string> = {
  'a person': (claims) =>
    signed({ alg: 'HS256' }, SECRET, {
      iss: `"${ISSUER}"`,
      aud: `"${AUDIENCE}"`,
      sub: `"${PERSON}"`,
      exp: soon,
      ...claims,
    }),
  'an agent': (claims) =>
    signed({ alg: 'HS256', typ: SERVICE_TOKEN_TYPE }, SERVICE_SECRET, {
      aud: `"${AUDIENCE}"`,
      agent: '"scout"',
      scopes: '["*:read"]',
      exp: soon,
      ...claims,
    }),
};

const INVALID_TIMES = [
  '-99999999999999',
  '-1',
  '-1e300',
  '-1e999',
  '253402300800',
  '8640000000001',
  '99999999999999',
  '12345678901234567890',
  '1e300',
  '1e999',
  'null',
  'true',
  '"1e300"',
  '[1]',
  '{}',
];

const cases = Object.entries(kinds).flatMap(([kind, make]) =>
  ['exp', 'nbf', 'iat'].flatMap((claim) =>
    INVALID_TIMES.map((json): [string, string] => [
      `${claim}: ${json} of ${kind}`,
      make({ [claim]: json }),
    ]),
  ),
);

describe('an invalid time in a claim', () => {
  it.each(cases)('%s is UNAUTHENTICATED', async (_, token) => {
    const answer = await gateway.ask('{ __typename }', { authorization: `Bearer ${token}` });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(answer.errors?.map(({ extensions }) => extensions)).toEqual([
      { code: 'UNAUTHENTICATED' },
    ]);
  });

  it('logs no error', () => {
    expect(gateway.log.filter(({ level }) => Number(level) >= 50)).toEqual([]);
  });
});

describe('a valid time in a claim', () => {
  it.each(['253402300799', '4102444800.5'])('can be as late as %s', async (exp) => {
    const authorization = `Bearer ${kinds['a person']?.({ exp, nbf: '0', iat: '0.5' })}`;
    const { data } = await gateway.ask('{ me }', { authorization });
    expect(data).toEqual({ me: PERSON });
  });
});

describe('an invalid email', () => {
  it.each(['"a\\u0000b"', '"\\ud800"', '"\\n"', '""', '1e999', 'null'])(
    '%s is ignored',
    async (email) => {
      const authorization = `Bearer ${kinds['a person']?.({ email })}`;
      const { data, errors } = await gateway.ask('{ setting }', { authorization });
      expect(errors).toBeUndefined();
      expect(data).toEqual({ setting: `${PERSON} -` });
    },
  );
});
