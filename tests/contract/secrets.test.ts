import { randomUUID } from 'node:crypto';
import { isEnumType, isInputObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GUARDED_COLUMNS, SECRET_COLUMNS } from '../../src/database/secret-columns.ts';
import { schema } from '../../src/schema/index.ts';
import { upperSnake } from '../../src/schema/model/columns.ts';
import { cases } from './cases.ts';
import { changeOf, openStage, type Stage } from './changes.ts';
import { AGENT, MARK, openReaders, type Reader } from './secret-readers.ts';
import { createWorld, type World } from './world.ts';

let world: World;
let stage: Stage;
let subjectId: string;
let readers: Record<string, Reader>;

/** The guarded columns with their fields. */
const guarded = GUARDED_COLUMNS.map(({ table, column }) => {
  const shown = cases.find((each) => each.table === table);
  const [field] = shown?.columns.find(([, each]) => each.column === column) ?? [];
  return { name: shown?.name ?? '', field: field ?? '', table, column };
});
const FIELDS = guarded.map(({ field }) => field).join(' ');

beforeAll(async () => {
  world = await createWorld();
  stage = openStage(world.database);
  ({ subjectId, readers } = await openReaders(world, stage));
});
afterAll(async () => {
  await stage?.close();
  await world?.close();
});

const NAMES = [
  ...['Owner', 'Strategist', 'Creator', 'Analyst', 'Viewer', 'a person without a workspace'],
  'an agent with all scopes of a workspace',
  ...['the agent itself', 'a trusted writer', 'a trusted writer without a workspace'],
];
const readerOf = (name: string) => readers[name] as Reader;

it('the guarded columns are fields of Agent', () => {
  expect(guarded.map(({ name, field }) => `${name}.${field}`)).toEqual([
    'Agent.modelConfig',
    'Agent.systemPrompt',
  ]);
});

describe.each(NAMES)('%s', (name) => {
  const ways: Record<string, string> = {
    list: `agents { nodes { ${FIELDS} } edges { node { ${FIELDS} } } }`,
    'look-up': `agent(id: $ID) { ${FIELDS} }`,
    node: `node(nodeId: $NODE) { ... on Agent { ${FIELDS} } }`,
    nodes: `nodes(nodeIds: [$NODE]) { ... on Agent { ${FIELDS} } }`,
    capability: `agentCapabilities { nodes { agent { ${FIELDS} } } }`,
  };
  /** Ways through rows of a workspace. */
  const here: Record<string, string> = {
    assignment: `agentAssignments { nodes { agent { ${FIELDS} } } }`,
    message: `agentMessages { nodes { originAgent { ${FIELDS} } } }`,
  };
  const documentOf = (field: string) => {
    const nodeId = Buffer.from(`Agent:${subjectId}`).toString('base64');
    return `{ ${field.replace('$ID', `"${subjectId}"`).replace('$NODE', `"${nodeId}"`)} }`;
  };

  it('reads the guarded columns only if allowed, on every way to the row', async () => {
    const { client, actor, mayRead } = readerOf(name);
    for (const [way, field] of Object.entries({ ...ways, ...(actor.workspaceId ? here : {}) })) {
      const { text, errors } = await client.ask(documentOf(field));
      expect({ way, errors }).toEqual({ way, errors: undefined });
      const marks = text.split(MARK).length - 1;
      expect({ way, reads: marks > 0 }).toEqual({ way, reads: mayRead });
      // All columns are shown, and numbers keep their digits.
      if (mayRead) expect(marks % GUARDED_COLUMNS.length).toBe(0);
      if (mayRead) expect(text).toContain('1234567890123456789.5');
    }
  });

  it('does not see them in histories', async () => {
    const { client } = readerOf(name);
    const { text } = await client.ask(
      `{ agent(id: "${subjectId}") { history { nodes { before after changedColumns } } } }`,
    );
    expect(text).not.toContain(MARK);
    // An agent that is not registered sees no history.
    const seen = name !== 'a trusted writer without a workspace';
    for (const { field } of guarded) {
      expect(text.includes(`"${field}":{"$hidden":true}`)).toBe(seen);
    }
  });

  it('receives them in events only if allowed', async () => {
    const { subscribers, mayRead } = readerOf(name);
    const document = `subscription { agentChanged { node { id ${FIELDS} capabilities { nodes { agent { ${FIELDS} } } } } } }`;
    for (const subscriber of subscribers) {
      const [change] = await subscriber.execute(document, [changeOf('Agent', 'UPDATE', subjectId)]);
      expect(change?.node.id).toBe(subjectId);
      expect(JSON.stringify(change).includes(MARK)).toBe(mayRead);
    }
  });

  it('cannot filter or order by them', async () => {
    const { client } = readerOf(name);
    for (const { field } of guarded) {
      const filter = `{ ${field}: { isNull: false } }`;
      for (const document of [
        `{ agents(filter: ${filter}) { totalCount } }`,
        `{ agentCapabilities(filter: { agent: ${filter} }) { totalCount } }`,
        `{ agentAssignments(filter: { agent: ${filter} }) { totalCount } }`,
        `{ agents(orderBy: { field: ${upperSnake(field)} }) { edges { cursor } } }`,
        `subscription { agentChanged(filter: ${filter}) { operation } }`,
        `mutation { deleteAgents(filter: ${filter}, atMost: 1, dryRun: true) { affected } }`,
        `mutation { updateAgents(filter: ${filter}, atMost: 1, input: {}, dryRun: true) { affected } }`,
      ]) {
        const { data, errors, text } = await client.ask(document);
        expect({ document, data, errors: errors?.length }).toEqual({
          ...{ document, data: undefined, errors: 1 },
        });
        expect(text).not.toContain(MARK);
      }
    }
  });

  it('gets them from the database only through the function, and only if allowed', async () => {
    const { actor, mayRead } = readerOf(name);
    const run = (sql: string, values: unknown[] = []) =>
      world.database
        .rehearse(actor, (query) => query(sql, values))
        .then(
          (rows) => JSON.stringify(rows),
          ({ code }: { code: string }) => code,
        );
    for (const { table, column } of guarded) {
      for (const sql of [
        `select ${column} from ${table}`,
        `select t from ${table} as t`,
        `select to_jsonb(t) from ${table} as t`,
        `select id from ${table} where ${column} is not null`,
        `select id from ${table} order by ${column}`,
        `select count(*) from ${table} group by ${column}`,
        `update ${table} set version = 'x' returning ${column}`,
        `update ${table} set ${column} = null where ${column} is not null`,
        `delete from ${table} where ${column} is not null`,
        `insert into ${table} (agent_name, agent_type) values ('x', 'researcher') returning ${column}`,
      ]) {
        expect(`${sql}: ${await run(sql)}`).toBe(`${sql}: 42501`);
      }
    }
    const given = await run('select * from gateway.agent_prompts($1)', [[subjectId]]);
    expect(given.includes(MARK)).toBe(mayRead);
    const audit = `select before, after from gateway.audit_log where table_name = 'agent_registry'`;
    expect(await run(audit)).not.toContain(MARK);
  });
});

it('only inputs that write them name the guarded columns', () => {
  const naming = Object.values(schema.getTypeMap()).flatMap((type) => {
    if (isInputObjectType(type)) {
      const fields = Object.keys(type.getFields());
      return guarded.some(({ field }) => fields.includes(field)) ? [type.name] : [];
    }
    if (!isEnumType(type)) return [];
    const values = type.getValues().map((each) => each.name);
    return guarded.some(({ field }) => values.includes(upperSnake(field))) ? [type.name] : [];
  });
  expect(naming.sort()).toEqual(['AgentCreateInput', 'AgentUpdateInput']);
});

describe('a trusted writer', () => {
  const update = (input: string, more = '') =>
    `mutation ($id: UUID!) {
      updateAgent(id: $id, input: ${input}${more}) { agent { ${FIELDS} } errors { message } }
    }`;

  it('reads the values after a write, and can patch them', async () => {
    const { client } = readerOf('a trusted writer without a workspace');
    const patch = '{ modelConfig: { patch: [{ path: ["added"], set: true }] } }';
    const { updateAgent } = await client.data(update(patch, ', dryRun: true'), { id: subjectId });
    expect(updateAgent.errors).toEqual([]);
    expect(updateAgent.agent).toMatchObject({
      modelConfig: { key: MARK, added: true },
      systemPrompt: MARK,
    });
  });

  it('creates and deletes agents with guarded columns', async () => {
    const { client } = readerOf('a trusted writer without a workspace');
    const name = randomUUID();
    const { createAgent, deleteAgents } = await client.data(
      `mutation ($name: String!) {
        createAgent(input: { agentName: $name, agentType: RESEARCHER, systemPrompt: "P", modelConfig: { a: 1 } }) {
          agent { ${FIELDS} } errors { message }
        }
        deleteAgents(filter: { agentName: { equals: $name } }, atMost: 1) { affected results { agent { ${FIELDS} } } }
      }`,
      { name },
    );
    const agent = { systemPrompt: 'P', modelConfig: { a: 1 } };
    expect(createAgent).toEqual({ agent, errors: [] });
    expect(deleteAgents).toEqual({ affected: 1, results: [{ agent }] });
  });

  it('does not get a stored answer again with fewer scopes', async () => {
    const { api, ours } = world;
    const key = randomUUID();
    const document = `mutation ($id: UUID!) {
      updateAgent(id: $id, input: { version: "2" }) { agent { ${FIELDS} } errors { message } }
    }`;
    const [wide, narrow] = await Promise.all(
      [['global:write'], ['*:read', '*:write']].map((scopes) =>
        api.asAgent(AGENT, scopes, ours.workspaceId),
      ),
    );
    const first = await wide?.ask(document, { id: subjectId }, key);
    expect(first?.text).toContain(MARK);
    expect((await wide?.ask(document, { id: subjectId }, key))?.text).toBe(first?.text);
    expect((await narrow?.ask(document, { id: subjectId }, key))?.text).not.toContain(MARK);
  });
});

it('a stored answer is refused to a person whose role has fewer rights than before', async () => {
  const { database, ours } = world;
  const key = randomUUID();
  const { client, actor } = readerOf('Strategist');
  const setRole = (role: string) =>
    database.query(
      'update user_workspaces set role = $1::member_role where user_id = $2 and workspace_id = $3',
      [role, actor.userId, ours.workspaceId],
    );
  const document = `mutation {
    createCampaign(input: { name: "Kept" }) {
      campaign { workspace { agentAssignments { nodes { agent { ${FIELDS} } } } } }
    }
  }`;
  await setRole('Owner');
  const first = await client.ask(document, {}, key);
  expect(first.text).toContain(MARK);
  expect((await client.ask(document, {}, key)).text).toBe(first.text);
  await setRole('Strategist');
  const again = await client.ask(document, {}, key);
  expect(again.text).not.toContain(MARK);
  expect(again.errors?.[0]?.extensions).toMatchObject({
    code: 'FORBIDDEN',
    argument: 'idempotency-key',
  });
});

describe('histories hide secret columns', () => {
  const all = Object.entries(SECRET_COLUMNS).flatMap(([table, columns]) =>
    Object.keys(columns).map((column): [string, string, string] => [
      `${table}.${column}`,
      table,
      column,
    ]),
  );
  it.each(all)('%s', async (_, table, column) => {
    const shown = cases.find((each) => each.table === table);
    const [field = ''] = shown?.columns.find(([, each]) => each.column === column) ?? [];
    const rows = (world.ours.rows.get(table) ?? []).filter(
      (row) => row[column] && (!row.user_id || row.user_id === world.ours.ownerId),
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
      const data = await world.ours.client.data(
        `query ($id: UUID!) { row: ${shown?.lookup}(id: $id) { ${field} history { nodes { after } } } }`,
        { id: row.id },
      );
      expect(data.row[field]).not.toBeNull();
      expect(data.row.history.nodes.at(-1).after[field]).toEqual({ $hidden: true });
    }
  });
});
