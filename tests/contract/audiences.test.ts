import {
  type GraphQLField,
  type GraphQLObjectType,
  getNamedType,
  isLeafType,
  isObjectType,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { catalog } from '../../src/generated/catalog.ts';
import { personalModels } from '../../src/models/index.ts';
import { mayRead, ROLES } from '../../src/resolvers/permissions.ts';
import { schema } from '../../src/schema/index.ts';
import { modelNamed } from '../../src/schema/model/type-names.ts';
import { openRows } from '../support/rows.ts';
import { caseOf, cases, named } from './cases.ts';
import { changeOf, openStage, type Stage, type Subscriber } from './changes.ts';
import { openUncheckedWriter, type UncheckedWriter } from './unchecked-writer.ts';
import { createWorld, type World } from './world.ts';

let world: World;
let writer: UncheckedWriter;
let stage: Stage;
let people: [string, string];
let person: Subscriber;
let members: Subscriber;
beforeAll(async () => {
  world = await createWorld(4);
  const { query } = world.database;
  const { workspaceId, ownerId } = world.ours;
  const [colleague] = await query<{ id: string }>(
    'select user_id::text as id from user_workspaces where workspace_id = $1 and user_id <> $2',
    [workspaceId, ownerId],
  );
  people = [ownerId, colleague?.id ?? ''];
  // One of them is also a member of another workspace.
  await query(
    `insert into user_workspaces (user_id, workspace_id, role) values ($1, $2, 'Viewer')`,
    [ownerId, world.theirs.workspaceId],
  );
  for (const id of people) {
    await query('update auth.users set email = $2 where id = $1', [id, `${id}@example.com`]);
    await query('insert into gateway.invitation (workspace_id, email) values ($1, $2)', [
      world.theirs.workspaceId,
      `${id}@example.com`,
    ]);
  }
  // Expired trends are not opportunities.
  await query('update trends set expiry_date = null');
  writer = await openUncheckedWriter(world.database.url);
  stage = openStage(world.database);
  person = await stage.as(ownerId, workspaceId);
  members = await stage.asMembers(ownerId, workspaceId);
});
afterAll(async () => {
  await stage?.close();
  await writer?.close();
  await world?.close();
});

const rowsSeenBy = (userId: string, source: string) =>
  world.database.as({ userId, workspaceId: world.ours.workspaceId }, (query) =>
    query<{ row: string }>(
      `select to_jsonb(t)::text as row from ${openRows(source)} as t order by 1`,
    ),
  );

/** The personal models with policies. Invitations have none, since a view shows them. */
const PERSONAL_TABLES = [...personalModels].filter((name) => name !== 'Invitation');

describe('all models whose rows differ between members are marked as personal', () => {
  /** Members see different workspaces besides the current one. */
  const NOT_PERSONAL = 'Workspace';

  it('according to the rows that two members with one role read', async () => {
    const { workspaceId } = world.ours;
    const different = new Set<string>();
    for (const role of [...ROLES].reverse()) {
      // Only an unchecked writer can leave a workspace without an Owner.
      await writer.write(
        'update user_workspaces set role = $2 where workspace_id = $1 and user_id = any ($3)',
        [workspaceId, role, people],
      );
      for (const [name, { schema: space, table }] of Object.entries(catalog.models)) {
        if (space !== 'public') continue;
        const [one, other] = await Promise.all(people.map((id) => rowsSeenBy(id, table)));
        expect((one?.length ?? 0) > 0, `${name} for ${role}`).toBe(mayRead(name, null, role));
        if (JSON.stringify(one) !== JSON.stringify(other)) different.add(name);
      }
    }
    expect([...different].sort()).toEqual([...personalModels, NOT_PERSONAL].sort());
  });

  it('according to their policies', async () => {
    const policies = await world.database.query<{ table: string; condition: string }>(
      `select tablename as table, qual as condition from pg_policies
       where schemaname = 'public' and cmd in ('SELECT', 'ALL')`,
    );
    expect(policies.length).toBeGreaterThanOrEqual(cases.length);
    const about = policies.filter(({ condition }) =>
      /auth\.uid\(\)|viewer_memberships/.test(
        condition.replaceAll('( SELECT auth.uid() AS uid) IS NOT NULL', ''),
      ),
    );
    // All members see all profiles of members, including their own.
    const known = [...PERSONAL_TABLES, NOT_PERSONAL, 'UserProfile'].map(
      (name) => caseOf(name).table,
    );
    expect(about.map(({ table }) => table).sort()).toEqual(known.sort());
  });
});

/** All columns and relations of a model, except personal ones. */
function selectionOf(name: string): string {
  const type = schema.getType(name) as GraphQLObjectType;
  return Object.values(type.getFields()).map(fieldSelection).join(' ');
}

function fieldSelection({ name, type, args }: GraphQLField<unknown, unknown>): string {
  const to = getNamedType(type);
  if (isLeafType(to)) return name;
  if (personalModels.has(modelNamed(to.name))) return '';
  if (!isObjectType(to)) return `${name} { __typename }`;
  if (to.name.endsWith('Aggregate')) return `${name} { totalGroups groups { count } }`;
  if (args.some((arg) => arg.name === 'first')) {
    const nodes = getNamedType(to.getFields().nodes?.type) as GraphQLObjectType;
    const count = 'totalCount' in to.getFields() ? 'totalCount' : '';
    return `${name}(first: 3) { ${count} nodes { ${leavesOf(nodes)} } }`;
  }
  return `${name} { ${leavesOf(to)} }`;
}

const leavesOf = (type: GraphQLObjectType) =>
  Object.values(type.getFields())
    .filter((field) => isLeafType(getNamedType(field.type)))
    .map(({ name }) => name)
    .join(' ');

describe('an execution for all members of a role gives the same rows as one for each member', () => {
  const ids = async (table: string) => {
    const rows = await rowsSeenBy(people[0], table);
    return rows.map(({ row }) => String(JSON.parse(row).id));
  };

  it.each(named(cases.filter(({ name }) => !personalModels.has(name))))(
    '%s',
    async (name, { lookup, table }) => {
      const own = name === 'Workspace' ? [world.ours.workspaceId] : await ids(table);
      const changes = own.map((id) => changeOf(name, 'INSERT', id));
      const document = `subscription { ${lookup}Changed { node { ${selectionOf(name)} } } }`;
      const events = await members.execute(document, changes);
      expect(events).toEqual(await person.execute(document, changes));
      expect(events.filter(Boolean)).toHaveLength(own.length);
    },
  );

  it.each(PERSONAL_TABLES)('%s: only public rows', async (name) => {
    const { lookup, table } = caseOf(name);
    const rows = await world.database.query<{ id: string; shown: boolean }>(
      `select id::text, coalesce(to_jsonb(t) ->> 'visibility' = 'public', false) as shown from ${table} as t
       where workspace_id = $1`,
      [world.ours.workspaceId],
    );
    const events = await members.execute(
      `subscription { ${lookup}Changed { node { id } } }`,
      rows.map(({ id }) => changeOf(name, 'INSERT', id)),
    );
    expect(rows.length).toBeGreaterThan(0);
    expect(events.map((each) => each?.node.id)).toEqual(
      rows.map(({ id, shown }) => (shown ? id : undefined)),
    );
  });
});
