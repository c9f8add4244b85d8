import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INTERNAL, startGateway, token } from './support/gateway.ts';
import { PERSON } from './support/live-streams.ts';
import { connect, type RawClient } from './support/websocket.ts';
import { ask, authorization, codes, gateway, log, plain, setUp } from './websocket-world.ts';

setUp();

describe('an operation over a socket', () => {
  let socket: RawClient;
  beforeAll(async () => {
    socket = await connect(plain.url, { authorization });
  });
  afterAll(() => socket.socket.close());

  it('is refused with the same codes as over HTTP, and the socket stays open', async () => {
    const refused = async (query: string, variables?: object) =>
      codes(await ask(socket, query, variables));
    expect(await refused('{ me')).toEqual(['error GRAPHQL_PARSE_FAILED']);
    expect(await refused('{ nothing }')).toEqual(['error GRAPHQL_VALIDATION_FAILED']);
    expect(await refused('')).toEqual(['error GRAPHQL_PARSE_FAILED']);
    expect(await refused('fragment F on Query { me }')).toEqual([
      'error GRAPHQL_VALIDATION_FAILED',
    ]);
    expect(await refused('query A { me } query B { me }')).toEqual([
      'error OPERATION_RESOLUTION_FAILURE',
    ]);
    expect(await refused(`{ me } #${'x'.repeat(50_000)}`)).toEqual(['error OPERATION_TOO_LARGE']);
    expect(await refused(`{ ${'me '.repeat(2_001)} }`)).toEqual(['error OPERATION_TOO_LARGE']);
    expect(
      await refused('query ($n: Int!) { echo(number: $n) }', { n: 'x'.repeat(900_000) }),
    ).toEqual(['next BAD_USER_INPUT']);
    expect(await refused('{ gatewayError }')).toEqual(['next CONFLICT']);
    expect(await refused('{ workspace }')).toEqual(['next WORKSPACE_REQUIRED']);
    expect(await refused('subscription { __typename }')).toEqual([
      'error GRAPHQL_VALIDATION_FAILED',
    ]);
    expect(codes(await ask(socket, '{ me }', {}, { operationName: 'Nobody' }))).toEqual([
      'error OPERATION_RESOLUTION_FAILURE',
    ]);
    expect(
      codes(await ask(socket, 'mutation { touch }', {}, { extensions: { 'Idempotency-Key': '' } })),
    ).toEqual(['error BAD_USER_INPUT']);
    expect(await ask(socket, '{ me }')).toEqual([
      { type: 'next', payload: { data: { me: PERSON } } },
      { type: 'complete', payload: undefined },
    ]);
  });

  const askWithTimeout = async (query: string) => {
    const limited = await startGateway(gateway.database.gatewayUrl, { requestTimeoutMs: 500 });
    const own = await connect(limited.url, { authorization });
    const answer = await ask(own, query);
    own.socket.close();
    await limited.close();
    return answer;
  };

  it('returns no internal details in errors', async () => {
    const answers = [
      await ask(socket, '{ internalError half { good bad } badNumber }'),
      await ask(socket, '{ sql(text: "SELECT no_such_column") }'),
      await ask(socket, '{ nothing }'),
      await askWithTimeout('{ hang }'),
    ];
    expect(codes(answers.flat())).toEqual([
      ...Array(3).fill('next INTERNAL_SERVER_ERROR'),
      'next INTERNAL_SERVER_ERROR',
      'error GRAPHQL_VALIDATION_FAILED',
      'next TIMEOUT',
    ]);
    expect(JSON.stringify(answers)).not.toMatch(/inner workings|no_such_column|stack|\.ts|"http"/);
  });

  it('has its own request id in its error and in the log', async () => {
    const ids = [];
    for (const _ of [1, 2]) {
      const [message] = await ask(socket, '{ internalError }');
      ids.push(message?.payload.errors[0].extensions.requestId);
    }
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) {
      expect(log.filter(({ requestId }) => requestId === id)).toMatchObject([
        { err: { message: INTERNAL.message } },
      ]);
    }
  });

  it('runs as the person of its socket, beside operations of others', async () => {
    const people = [PERSON, randomUUID(), randomUUID()];
    const sockets = await Promise.all(
      people.map(async (sub) =>
        connect(plain.url, { authorization: `Bearer ${await token({ sub })}` }),
      ),
    );
    const rounds = await Promise.all(
      Array.from({ length: 10 }, () =>
        Promise.all(sockets.map(async (each) => (await ask(each, '{ me setting }'))[0]?.payload)),
      ),
    );
    for (const answers of rounds) {
      expect(answers).toEqual(
        people.map((id) => ({ data: { me: id, setting: expect.stringContaining(id) } })),
      );
    }
    for (const each of sockets) each.socket.close();
  });
});
