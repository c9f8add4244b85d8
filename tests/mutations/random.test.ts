import { randomUUID } from 'node:crypto';
import {
  type GraphQLInputType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Random } from '../../prisma/seed/random.ts';
import type { Client } from '../support/api.ts';
import { testEnv } from '../support/env.ts';
import { createWritingWorld, type WritingWorld } from './world.ts';
import { mutationFields } from './writable.ts';

const UUID = /^[0-9a-f-]{36}$/;

let world: WritingWorld;
let clients: Client[];
let ids: string[];

beforeAll(async () => {
  world = await createWritingWorld();
  const { ours, api, database, around } = world;
  await database.query(
    `insert into agent_assignments (workspace_id, agent_id) select $1, id from agent_registry
     on conflict do nothing`,
    [ours.workspaceId],
  );
  const [agent] = ours.rows.get('agent_registry') ?? [];
  clients = [
    ours.client,
    await api.as(String(around.people[1]), ours.workspaceId),
    await api.asAgent(String(agent?.agent_name), ['*:write', 'global:write'], ours.workspaceId),
  ];
  ids = [ours, world.theirs].flatMap(({ rows }) =>
    [...rows.values()].flat().map(({ id }) => String(id)),
  );
  ids = ids.filter((id) => UUID.test(id));
});
afterAll(() => world?.close());

/** After these, all later mutations could be refused: they are only tried as dry runs. */
const LOCKS_OUT =
  /^(delete|update|upsert)(Workspace|WorkspaceMember|Agent|AgentAssignment)s?$|^(removeMember|changeMemberRole)$/;

/** Random values: mostly of the right type, often extreme ones; sometimes of another type. */
const SCALARS: Record<string, readonly unknown[]> = {
  Int: [0, 1, -1, 100, 101, 2_147_483_647, -2_147_483_648, 10, 'x'],
  Float: [0, 0.5, -1.5, 1e308, -1e-308, 'x'],
  Boolean: [true, false, 'x'],
  BigInt: ['0', '-1', '9223372036854775807', 7, 'x'],
  Decimal: [
    '0',
    '.5',
    '5.',
    '+1',
    '1e3',
    '-1e-300',
    '99999999999999999999.5',
    '1e999',
    12.5,
    'NaN',
  ],
  Date: ['2026-03-01', '0001-01-01', '9999-12-31', '0000-01-01', 'x'],
  DateTime: [
    '2026-03-01T09:30:00Z',
    '2026-03-01T09:30:00.123456789+05:30',
    '9999-12-31T23:59:59.999Z',
    'x',
  ],
  URL: [
    'https://example.com',
    'HTTP://ÜBER.example/ü?q=1#x',
    'mailto:a@example.com',
    'javascript:1',
    'x',
  ],
  String: [
    '',
    'a',
    'Ünïcode 🚀',
    "'; drop table moves; --",
    'a\0',
    '\ud800',
    'x'.repeat(300),
    '%_\\',
    'NULL',
    '{}',
  ],
  JSON: [
    {},
    [],
    null,
    'text',
    0,
    true,
    { a: { b: [1] } },
    { one: 0.5, two: 0.5 },
    { a: '\0' },
    { __proto__: null, constructor: 1 },
  ],
};

class Generator {
  readonly #random: Random;

  constructor(label: string) {
    this.#random = new Random(label);
  }

  pick<T>(values: readonly T[]): T {
    return values[this.#random.int(0, values.length - 1)] as T;
  }

  /** A value for a type; undefined leaves it out. */
  value(type: GraphQLInputType, depth = 0): unknown {
    if (isNonNullType(type)) {
      return this.#random.chance(0.998) ? this.some(type.ofType, depth) : null;
    }
    // Only few fields at a time: most combinations must be valid in each of them.
    if (this.#random.chance(depth === 0 ? 0.5 : 1 - 0.3 / depth)) return undefined;
    return this.#random.chance(0.05) ? null : this.some(type, depth);
  }

  some(type: GraphQLInputType, depth: number): unknown {
    if (isNonNullType(type)) return this.some(type.ofType, depth);
    if (isListType(type)) {
      const items = Array.from({ length: this.#random.int(0, 3) }, () =>
        this.some(type.ofType, depth),
      );
      return items;
    }
    if (isInputObjectType(type)) {
      // Mutations refuse measures in their filters, which has a test of its own.
      const fields = Object.entries(type.getFields()).filter(([name]) => name !== 'aggregate');
      const chosen = type.isOneOf ? [this.pick(fields)] : fields;
      return Object.fromEntries(
        chosen.map(([name, field]) => [
          name,
          type.isOneOf ? this.some(field.type, depth + 1) : this.value(field.type, depth + 1),
        ]),
      );
    }
    if (isEnumType(type)) {
      const labels = type.getValues().map(({ name }) => name);
      return this.#random.chance(0.99) ? this.pick(labels) : 'NO_SUCH_LABEL';
    }
    if (type.name === 'UUID')
      return this.#random.chance(0.8) ? this.pick(ids) : randomUUID().toUpperCase();
    const values = SCALARS[type.name] ?? ['x'];
    // The last one is invalid JSON.
    return this.#random.chance(0.98) ? this.pick(values.slice(0, -1)) : values.at(-1);
  }

  /** A mutation with the chosen arguments. */
  mutation() {
    const name = this.pick(Object.keys(mutationFields));
    const { args, type } = mutationFields[name] as (typeof mutationFields)[string];
    const given = args
      .map((arg) => ({
        arg,
        value: arg.name === 'dryRun' && LOCKS_OUT.test(name) ? true : this.value(arg.type),
      }))
      .filter(({ value }) => value !== undefined);
    const head = given.map(({ arg }) => `$${arg.name}: ${arg.type}`).join(', ');
    const list = given.map(({ arg }) => `${arg.name}: $${arg.name}`).join(', ');
    return {
      query: `mutation ${head && `(${head})`} { ${name}${list && `(${list})`} { ${selection(getNamedType(type))} } }`,
      variables: Object.fromEntries(given.map(({ arg, value }) => [arg.name, value])),
    };
  }
}

const ERRORS = 'errors { __typename message path }';

/** The selection of a payload: its errors, and each plain column of its row. */
function selection(type: unknown): string {
  if (!isObjectType(type)) return '__typename';
  const fields = type.getFields();
  if (fields.results) return `affected results { ${selection(getNamedType(fields.results.type))} }`;
  return Object.entries(fields)
    .flatMap(([name, field]) => {
      const inner = getNamedType(field.type);
      if (name === 'errors') return [ERRORS];
      if (!isObjectType(inner)) return [name];
      const columns = Object.values(inner.getFields()).filter(
        (each) => each.args.length === 0 && !isObjectType(getNamedType(each.type)),
      );
      return [
        `${name} { ${columns
          .filter(({ name }) => !['source'].includes(name))
          .map((each) => each.name)
          .join(' ')} }`,
      ];
    })
    .join(' ');
}

const EXPECTED = [
  'BAD_USER_INPUT',
  'CONFLICT',
  'FORBIDDEN',
  'GRAPHQL_VALIDATION_FAILED',
  'INVALID_STATE',
  'NOT_FOUND',
  'WORKSPACE_REQUIRED',
];

it(`${testEnv.stressMutations} random mutations return data, or errors that clients can act on`, {
  timeout: 600_000,
}, async () => {
  const generator = new Generator('random mutations');
  const tally: Record<string, number> = {};
  const run = async (client: Client, { query, variables }: ReturnType<Generator['mutation']>) => {
    const { status, data, errors, text } = await client.ask(query, variables);
    const about = `${query}\n${JSON.stringify(variables).slice(0, 3_000)}\n${text.slice(0, 1_000)}`;
    expect(status, about).toBeLessThan(500);
    const codes = errors?.map(({ extensions }) => String(extensions.code)) ?? [];
    expect(
      codes.filter((code) => !EXPECTED.includes(code)),
      about,
    ).toEqual([]);
    const [payload] = Object.values(data ?? {}) as {
      errors?: { __typename: string }[];
      affected?: number;
    }[];
    const outcome = codes[0] ?? payload?.errors?.[0]?.__typename ?? 'done';
    tally[outcome] = (tally[outcome] ?? 0) + 1;
  };
  for (let n = 0; n < testEnv.stressMutations; n += clients.length) {
    await Promise.all(clients.map((client) => run(client, generator.mutation())));
  }
  expect(tally.done).toBeGreaterThan(testEnv.stressMutations / 50);
  expect(
    (await world.ours.client.data('{ campaigns { totalCount } }')).campaigns.totalCount,
  ).toBeGreaterThan(0);
});
