import { createHash } from 'node:crypto';
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startGateway, type TestGateway, token } from './support/gateway.ts';
import { openSocket } from './support/websocket.ts';

const PERSON = '4f6b0f4e-93a8-4c3b-9a52-0f1d7c1b2a3d';
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const extensions = { persistedQuery: { version: 1, sha256Hash: sha256('{ me }') } };

let database: TestDatabase;
let gateway: TestGateway;
let authorization: string;

beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await startGateway(database.gatewayUrl);
  authorization = `Bearer ${await token({ sub: PERSON })}`;
});
afterAll(async () => {
  await gateway?.close();
  await database?.close();
});

describe.each([
  ['by POST', false],
  ['by GET', true],
])('Apollo Client with persisted queries %s', (_, useGETForHashedQueries) => {
  /** A client that records the methods and bodies that it sends. */
  const clientOf = (sent: string[]) =>
    new ApolloClient({
      cache: new InMemoryCache(),
      defaultOptions: { query: { fetchPolicy: 'no-cache' } },
      link: new PersistedQueryLink({ sha256, useGETForHashedQueries }).concat(
        new HttpLink({
          uri: `${gateway.url}/graphql`,
          headers: { authorization },
          fetch: (input, init) => {
            sent.push(`${init?.method} ${init?.body ?? ''}`);
            return fetch(input, init);
          },
        }),
      ),
    });

  it('sends the document after the hash is refused, and then no more hashes', async () => {
    const sent: string[] = [];
    const client = clientOf(sent);
    const query = gql('{ me }');
    expect((await client.query({ query })).data).toEqual({ me: PERSON });
    expect(sent).toHaveLength(2);
    expect(sent[1]).toMatch(/^POST .*"query":/);
    expect((await client.query({ query })).data).toEqual({ me: PERSON });
    expect(sent).toHaveLength(3);
    expect(sent[2]).toMatch(/^POST .*"query":/);
    expect(sent[2]).not.toContain('persistedQuery');
  });

  it('writes once', async () => {
    const sent: string[] = [];
    const { data } = await clientOf(sent).mutate({ mutation: gql('mutation { touch }') });
    expect(data).toEqual({ touch: PERSON });
    expect(sent).toHaveLength(2);
  });
});

const REFUSED = {
  message: 'PersistedQueryNotSupported',
  extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' },
};

describe('the hash of a persisted query', () => {
  const post = (members: object) =>
    gateway.send('/graphql', {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(members),
    });

  it.each([{}, { query: '' }, { query: null }])('is refused with %j', async (members) => {
    const answer = await post({ ...members, extensions });
    expect(answer.status).toBe(200);
    expect(answer.errors).toEqual([REFUSED]);
  });

  it('is ignored if the document is sent too', async () => {
    expect((await post({ query: '{ me }', extensions })).data).toEqual({ me: PERSON });
  });

  it('is refused or ignored in the same way over a socket', async () => {
    const client = await openSocket(gateway.url, { headers: { authorization } });
    client.send({ type: 'connection_init' });
    await client.receives({ type: 'connection_ack' });
    client.send({ id: 'a', type: 'subscribe', payload: { query: '', extensions } });
    expect((await client.receives({ id: 'a' })).payload).toEqual([REFUSED]);
    client.send({ id: 'b', type: 'subscribe', payload: { query: '{ me }', extensions } });
    const { payload } = await client.receives({ id: 'b', type: 'next' });
    expect(payload).toEqual({ data: { me: PERSON } });
    client.socket.close();
  });
});
