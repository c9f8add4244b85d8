import { existsSync, readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import { buildSchema, graphql } from 'graphql';
import { type Context, GRAPHQL_TRANSPORT_WS_PROTOCOL, makeServer } from 'graphql-ws';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createErrorMask } from '../../src/server/error-mask.ts';

const page = readFileSync('docs/private-interfaces.md', 'utf8');
const rows = page.split('\n').filter((line) => line.startsWith('| ') && !line.includes('---'));
const files = [...page.matchAll(/`((?:src|tests|prisma)\/[^`]+)`/g)].map(([, file = '']) => file);

describe('the page about private interfaces', () => {
  it.each([...new Set(files)])('names a file that exists: %s', (file) => {
    expect(existsSync(file)).toBe(true);
  });

  it('names the source file of each, and the test that fails when it changes', () => {
    const entries = rows.filter((row) => !row.startsWith('| What |'));
    expect(entries.length).toBeGreaterThan(40);
    const unclear = entries.filter((row) => {
      const [, , where = '', , test = ''] = row.split(/ \| |^\| | \|$/);
      return !/`(src|prisma)\//.test(where) || !/`tests\/|^None: /.test(test);
    });
    expect(unclear).toEqual([]);
  });
});

it('an error of graphql-js about an argument of a field becomes BAD_USER_INPUT', async () => {
  const result = await graphql({
    schema: buildSchema('type Query { field(argument: Int!): Int }'),
    source: 'query ($value: Int = 1) { field(argument: $value) }',
    variableValues: { value: null },
  });
  expect(result.errors).toHaveLength(1);
  const mask = createErrorMask(pino({ level: 'silent' }));
  expect(mask(result.errors?.[0]).extensions.code).toBe('BAD_USER_INPUT');
});

it.each(['subscriptionsProtocol', 'connectionParams', '"tabState"'])(
  'GraphiQL uses the name %s',
  (name) => {
    expect(renderGraphiQL({ title: 'x' })).toContain(name);
  },
);

it('graphql-ws keeps a token only in the connection parameters', async () => {
  let kept: Context | undefined;
  const server = makeServer({
    onConnect(context) {
      kept = context;
    },
  });
  let receive: (text: string) => Promise<void> = async () => {};
  const closed = server.opened(
    {
      protocol: GRAPHQL_TRANSPORT_WS_PROTOCOL,
      send: () => {},
      close: () => {},
      onMessage: (handle) => {
        receive = handle;
      },
    },
    {},
  );
  await receive(JSON.stringify({ type: 'connection_init', payload: { token: 'a secret' } }));
  const shown = () => inspect(kept, { depth: null, showHidden: true });
  expect(shown()).toContain('a secret');
  Object.assign(kept ?? {}, { connectionParams: undefined });
  expect(shown()).not.toContain('a secret');
  await closed(1000, '');
});
