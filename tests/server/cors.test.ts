import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startGateway, type TestGateway, token } from './support/gateway.ts';
import { createLiveStreams, SUBSCRIPTION } from './support/live-streams.ts';

const LISTED = 'https://app.example';
const configurations: Record<string, readonly string[]> = {
  'one origin': [LISTED],
  'several origins': [LISTED, 'https://other.example:8443', 'capacitor://localhost'],
};
const UNLISTED = [
  'https://evil.example',
  'https://app.example.evil.example',
  'http://app.example',
  'https://app.example:8443',
  'https://app.example/',
  'https://APP.example',
  'null',
  '*',
];

const live = createLiveStreams();
let database: TestDatabase;
let closed: TestGateway;
const gateways = new Map<string, TestGateway>();
let authorization: string;

beforeAll(async () => {
  database = await createTestDatabase();
  const { gatewayUrl } = database;
  const plugins = [live.plugin];
  closed = await startGateway(gatewayUrl, { plugins, graphiql: {} });
  for (const [name, corsOrigins] of Object.entries(configurations)) {
    gateways.set(name, await startGateway(gatewayUrl, { corsOrigins, plugins, graphiql: {} }));
  }
  authorization = `Bearer ${await token({ sub: '4f6b0f4e-93a8-4c3b-9a52-0f1d7c1b2a3d' })}`;
});
afterAll(async () => {
  await Promise.all([closed, ...gateways.values()].map((gateway) => gateway?.close()));
  await database?.close();
});

const body = JSON.stringify({ query: '{ me }' });
const json = { 'content-type': 'application/json' };

/** The requests of a page, with the status of each answer. */
const requests: Record<string, (signedIn: object) => [path: string, RequestInit, status: number]> =
  {
    'an operation': (signedIn) => [
      '/graphql',
      { method: 'POST', headers: { ...signedIn, ...json }, body },
      200,
    ],
    'an operation in a URL': (signedIn) => [
      '/graphql?query={me}',
      { headers: { ...signedIn } },
      200,
    ],
    'an operation that is wrong': (signedIn) => [
      '/graphql',
      { method: 'POST', headers: { ...signedIn, ...json }, body: '{' },
      400,
    ],
    'a request without a token': () => ['/graphql', { method: 'POST', headers: json, body }, 401],
    'a stream': (signedIn) => [
      `/graphql?query=${SUBSCRIPTION}`,
      { headers: { ...signedIn, accept: 'text/event-stream' } },
      200,
    ],
    'a stream to be': (signedIn) => [
      '/graphql/stream',
      { method: 'PUT', headers: { ...signedIn } },
      201,
    ],
    'the page': () => [
      '/graphql',
      { headers: { accept: 'text/html', 'accept-encoding': 'identity' } },
      200,
    ],
    'an unknown path': () => ['/nowhere', {}, 404],
  };

function ask(gateway: TestGateway | undefined, name: string, origin?: string): Promise<Response> {
  const [path, init] = requests[name]?.({ authorization }) ?? ['/'];
  const headers = { ...init?.headers, ...(origin === undefined ? {} : { origin }) };
  return fetch(`${gateway?.url}${path}`, { ...init, headers });
}

const preflight = (gateway: TestGateway | undefined, origin: string) =>
  fetch(`${gateway?.url}/graphql`, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,x-workspace-id',
    },
  });

const corsHeaders = ({ headers }: Response) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')));
const varied = ({ headers }: Response) =>
  (headers.get('vary') ?? '').split(',').map((name) => name.trim().toLowerCase());

describe.each(Object.keys(configurations))('with %s', (configuration) => {
  const gateway = () => gateways.get(configuration);

  it.each(Object.keys(requests))(
    'a page of a listed origin can read the answer to %s',
    async (name) => {
      const response = await ask(gateway(), name, LISTED);
      expect(response.status).toBe(requests[name]?.({})[2]);
      expect(corsHeaders(response)).toMatchObject({
        'access-control-allow-origin': LISTED,
        'access-control-expose-headers':
          'x-request-id, www-authenticate, retry-after, content-disposition',
      });
      expect(varied(response)).toContain('origin');
      await response.body?.cancel();
    },
  );

  it.each(Object.keys(requests))('the answer to %s has the header vary: origin', async (name) => {
    const response = await ask(gateway(), name);
    expect(corsHeaders(response)).toEqual({});
    expect(varied(response)).toContain('origin');
    await response.body?.cancel();
  });

  it('a preflight request of a listed origin is allowed for two hours', async () => {
    const response = await preflight(gateway(), LISTED);
    expect(response.status).toBe(204);
    expect(corsHeaders(response)).toEqual({
      'access-control-allow-origin': LISTED,
      'access-control-allow-methods': 'GET, POST, PUT, DELETE',
      'access-control-allow-headers': 'authorization,content-type,x-workspace-id',
      'access-control-expose-headers':
        'x-request-id, www-authenticate, retry-after, content-disposition',
      'access-control-max-age': '7200',
    });
    expect(varied(response)).toEqual(['access-control-request-headers', 'origin']);
  });

  it.each(UNLISTED)('a page of the origin %s gets no CORS headers', async (origin) => {
    for (const response of [
      await preflight(gateway(), origin),
      await ask(gateway(), 'an operation', origin),
      await ask(gateway(), 'a request without a token', origin),
    ]) {
      expect(corsHeaders(response)).toEqual({});
      expect(varied(response)).toContain('origin');
    }
  });
});

it.each([LISTED, ...UNLISTED])(
  'without configured origins, a page of %s gets no CORS headers',
  async (origin) => {
    for (const response of [
      await preflight(closed, origin),
      await ask(closed, 'the page', origin),
    ]) {
      expect(corsHeaders(response)).toEqual({});
      expect(varied(response)).not.toContain('origin');
    }
  },
);
