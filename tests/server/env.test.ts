import { describe, expect, it } from 'vitest';
import { directUrl, EnvironmentError, readEnv } from '../../src/env.ts';
import { demoTokenOptions } from '../../src/server/demo/settings.ts';

const SECRET = 'a secret of the tests, 32 bytes or more';
const LOCAL = 'postgresql://me@localhost/codex';

describe('the environment', () => {
  it('has defaults for all settings', () => {
    expect(readEnv({})).toMatchObject({ PORT: 4000, HOST: '127.0.0.1', DATA_DIR: '.data' });
  });

  it('ignores empty values', () => {
    expect(readEnv({ PORT: '', DATABASE_URL: '' })).toMatchObject({ PORT: 4000 });
    expect(readEnv({ DATABASE_URL: '' }).DATABASE_URL).toBeUndefined();
  });

  it('is refused with the names of all invalid settings, without their values', () => {
    const wrong = {
      PORT: '70000',
      DATABASE_URL: 'mysql://me:hidden@host/codex',
      JWT_SECRET: 'hidden',
      JWT_JWKS_URL: 'hidden',
      GRAPHIQL: 'hidden',
      NATS_URL: 'http://me:hidden@host:4222',
      DATABASE_POOL_MODE: 'hidden',
      DATABASE_DIRECT_URL: 'mysql://me:hidden@host/codex',
      REDIS_URL: 'hidden',
      NODE_ENV: 'hidden',
      PERSON_LIMITS: 'hidden',
      UNAUTHENTICATED_SOCKETS: 'hidden',
      CORS_ORIGINS: 'https://app.example',
    };
    const read = () => readEnv(wrong);
    expect(read).toThrow(EnvironmentError);
    for (const [name, value] of Object.entries(wrong)) {
      if (name === 'CORS_ORIGINS') expect(read).not.toThrow(name);
      else expect(read).toThrow(`  ${name}: `);
      expect(read).not.toThrow(value);
    }
  });

  it("requires different keys for people's and for agents' tokens", () => {
    const other = SECRET.toUpperCase();
    expect(readEnv({ JWT_SECRET: SECRET, SERVICE_JWT_SECRET: other })).toMatchObject({
      SERVICE_JWT_SECRET: other,
    });
    const same = () => readEnv({ JWT_SECRET: SECRET, SERVICE_JWT_SECRET: SECRET });
    expect(same).toThrow('SERVICE_JWT_SECRET: must not be JWT_SECRET');
    expect(() => readEnv({ SERVICE_JWT_SECRET: 'short' })).toThrow(/SERVICE_JWT_SECRET: .* 32/);
  });

  it('requires a database in production, since the embedded one lets anyone sign in', () => {
    const production = { NODE_ENV: 'production', JWT_SECRET: SECRET };
    expect(() => readEnv(production)).toThrow('DATABASE_URL: must be set in production');
    expect(readEnv({ ...production, DATABASE_URL: LOCAL })).toMatchObject({ DATABASE_URL: LOCAL });
  });

  it('accepts DATABASE_DIRECT_URL only together with DATABASE_URL', () => {
    const direct = LOCAL.replace('localhost', '127.0.0.1');
    expect(readEnv({ DATABASE_URL: LOCAL })).toMatchObject({ DATABASE_POOL_MODE: 'session' });
    const both = { DATABASE_URL: LOCAL, DATABASE_DIRECT_URL: direct };
    expect(readEnv({ ...both, DATABASE_POOL_MODE: 'transaction' })).toMatchObject({
      ...both,
      DATABASE_POOL_MODE: 'transaction',
    });
    expect(directUrl(readEnv(both))).toBe(direct);
    expect(directUrl(readEnv({ DATABASE_URL: LOCAL }))).toBe(LOCAL);
    expect(() => readEnv({ DATABASE_DIRECT_URL: direct })).toThrow(
      'DATABASE_DIRECT_URL: must not be set without DATABASE_URL',
    );
  });

  it('accepts only one broker', () => {
    for (const NATS_URL of ['nats://me:word@host:4222', 'tls://nats.example', 'nats://10.0.0.1']) {
      expect(readEnv({ NATS_URL, REDIS_URL: '' })).toMatchObject({ NATS_URL });
    }
    for (const REDIS_URL of ['redis://localhost', 'rediss://me:word@redis.example:6380/1']) {
      expect(readEnv({ REDIS_URL })).toMatchObject({ REDIS_URL });
    }
    const both = { NATS_URL: 'nats://localhost', REDIS_URL: 'redis://localhost' };
    expect(() => readEnv(both)).toThrow('REDIS_URL: must not be set besides NATS_URL');
  });

  it('changes only the limits that it names', () => {
    const { PERSON_LIMITS: usual } = readEnv({});
    const { PERSON_LIMITS } = readEnv({ PERSON_LIMITS: 'sockets=200, live-queries = 5,' });
    expect(PERSON_LIMITS).toEqual({ ...usual, sockets: 200, 'live-queries': 5 });
    expect(Object.values(usual).every((limit) => limit > 0)).toBe(true);
  });

  it.each(['sockets', 'sockets=', 'sockets=0', 'sockets=-1', 'sockets=1.5', 'unknown=5', 'x', '5'])(
    'refuses the limits %j',
    (wrong) => {
      for (const name of ['PERSON_LIMITS', 'AGENT_LIMITS', 'WORKSPACE_LIMITS']) {
        const list = `requests=5,${wrong}`;
        expect(() => readEnv({ [name]: list })).toThrow(
          `${name}: must be a list such as sockets=200,requests=50, of sockets, streams`,
        );
      }
    },
  );

  it('lists the allowed origins', () => {
    const { CORS_ORIGINS } = readEnv({ CORS_ORIGINS: 'https://a.example, https://b.example,' });
    expect(CORS_ORIGINS).toEqual(['https://a.example', 'https://b.example']);
  });
});

describe('demo people', () => {
  const settings = (source: Record<string, string>) => demoTokenOptions(readEnv(source));

  it('cannot sign in to a DATABASE_URL without DEMO_SIGN_IN', async () => {
    expect(await settings({ DATABASE_URL: LOCAL, JWT_SECRET: SECRET })).toBeNull();
  });

  it('can sign in to a local DATABASE_URL with DEMO_SIGN_IN', async () => {
    const demo = { DEMO_SIGN_IN: 'true', JWT_SECRET: SECRET, JWT_ISSUER: 'https://i.example' };
    for (const DATABASE_URL of [LOCAL, 'postgres://127.0.0.1:5/x', 'postgres://[::1]/x']) {
      expect(await settings({ ...demo, DATABASE_URL })).toEqual({
        secret: SECRET,
        issuer: 'https://i.example',
        audience: 'authenticated',
      });
    }
  });

  it.each([
    'postgresql://db.example/codex',
    'postgresql://localhost.example/codex',
    'postgresql://10.0.0.1/codex',
    'postgresql://localhost/codex?host=db.example',
    'postgresql://127.0.0.1@db.example/codex',
  ])('can never sign in to %s', async (DATABASE_URL) => {
    expect(await settings({ DATABASE_URL, JWT_SECRET: SECRET })).toBeNull();
    await expect(
      settings({ DATABASE_URL, JWT_SECRET: SECRET, DEMO_SIGN_IN: 'true' }),
    ).rejects.toThrow(/this machine only/);
  });

  it('cannot sign in without a secret', async () => {
    await expect(settings({ DATABASE_URL: LOCAL, DEMO_SIGN_IN: 'true' })).rejects.toThrow(
      /needs JWT_SECRET/,
    );
  });
});
