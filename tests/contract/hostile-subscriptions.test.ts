import { getNullableType, isScalarType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../src/schema/index.ts';
import { type Client, type LiveApi, openLiveApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { RawJson } from '../support/hostile.ts';
import { listen, listening } from '../support/subscribe.ts';
import { createTenant } from '../support/tenant.ts';
import { HostileValues, type Sample } from './hostile-values.ts';
import { plainSample } from './schema-arguments.ts';

let database: TestDatabase;
let api: LiveApi;
let client: Client;
beforeAll(async () => {
  database = await createTestDatabase();
  const { workspaceId, people } = await createTenant(database);
  api = await openLiveApi(database);
  client = await api.as(people.Owner, workspaceId);
});
afterAll(async () => {
  await api?.close();
  await database?.close();
});

/** Less than the limit of a socket. */
const AT_ONCE = 80;
const CODES = [
  'BAD_USER_INPUT',
  'CURSOR_EXPIRED',
  'FORBIDDEN',
  'QUERY_TOO_COMPLEX',
  'WORKSPACE_REQUIRED',
];

const sample: Sample = (name, type) =>
  isScalarType(getNullableType(type)) ? undefined : plainSample(name, type, sample);
const values = new HostileValues(sample, { expand: false });

const attempts = Object.values(schema.getSubscriptionType()?.getFields() ?? {}).flatMap((field) =>
  field.args.flatMap(({ name, type }) =>
    values
      .for(name, type, 3)
      .filter(({ value }) => !(value instanceof RawJson))
      .map((hostile) => ({
        about: `${field.name}(${name}): ${hostile.name}`,
        query: `subscription ($value: ${type}) { ${field.name}(${name}: $value) { cursor } }`,
        variables: { value: hostile.value },
      })),
  ),
);

const parts: [string, typeof attempts][] = [];
for (let i = 0; i < attempts.length; i += AT_ONCE) {
  const part = attempts.slice(i, i + AT_ONCE);
  parts.push([`from ${part[0]?.about}`, part]);
}

describe('a hostile argument of a subscription is accepted or refused with a known code', () => {
  it.each(parts)('%s', async (_, part) => {
    const listener = listen(api.url, client);
    const subscriptions = part.map(({ query, variables }) => listener.subscribe(query, variables));
    await eventually(async () => {
      const { subscribers } = await api.open();
      return subscribers + subscriptions.filter((each) => each.isOver()).length;
    }).toBe(part.length);
    const wrong = subscriptions.flatMap((each, i) => {
      const code = each.code();
      return code === undefined || CODES.includes(code) ? [] : [[part[i]?.about, code]];
    });
    expect(wrong).toEqual([]);
    expect(listener.closeCode()).toBeUndefined();
    listener.close();
    await listening(api, 0);
    expect(api.log.filter(({ level }) => Number(level) >= 50)).toEqual([]);
  });
});
