import { randomUUID } from 'node:crypto';
import { createWorld, type Side, type World } from '../contract/world.ts';
import type { Client } from '../support/api.ts';
import type { TestDatabase } from '../support/database.ts';
import { type Call, done, mutateAll } from './mutate.ts';
import { type Surroundings, sampleRow } from './samples.ts';
import type { Writable } from './writable.ts';

/** Two workspaces with rows in every table, and the writers of the first one. */
export interface WritingWorld extends World {
  /** The owners and targets of new rows of the first workspace. */
  around: Surroundings;
  /** The client that may write a model: the Owner, or a trusted writer. */
  writerOf(writable: Writable): Client;
  /** Creates rows with different references as the writer, and returns their ids. */
  create(writable: Writable, count?: number): Promise<string[]>;
  /** Returns a row that the writer may update: a new one or, if they cannot create any, their own. */
  some(writable: Writable): Promise<string>;
  /** Deletes rows of a model, so that new ones can refer to the same rows. */
  clear(writable: Writable): Promise<void>;
}

/** Tables whose keys consist of references: a few rows use all possible ones. */
export const CROWDED: readonly string[] = [
  'AgentAssignment',
  'CampaignCohort',
  'GlobalStrategy',
  'MetaLearnerState',
];

export async function createWritingWorld(rowsPerTable = 3): Promise<WritingWorld> {
  const world = await createWorld(rowsPerTable);
  const { database, api, ours } = world;
  const newcomers = Array.from({ length: 3 }, () => randomUUID() as string);
  for (const id of newcomers) await database.query('insert into auth.users (id) values ($1)', [id]);
  const trusted = await api.asAgent('registrar', ['global:write'], undefined);
  const around = surroundingsOf(ours);
  const writerOf = ({ isShared }: Writable) => (isShared ? trusted : ours.client);
  const clear = async ({ name, table }: Writable) => {
    if (!CROWDED.includes(name)) return;
    await database.query(`delete from ${table} where workspace_id = $1`, [ours.workspaceId]);
  };
  const create = async (writable: Writable, count = 1) => {
    await clear(writable);
    if (writable.name === 'WorkspaceMember') {
      return Promise.all(
        newcomers.slice(0, count).map((id) => admit(database, id, ours.workspaceId)),
      );
    }
    const calls = Array.from({ length: count }, (_, n): Call => {
      const input = sampleRow(writable, writable.createFields, n, around);
      return [`create${writable.name}`, { input }];
    });
    const payloads = await mutateAll(writerOf(writable), writable, calls);
    return payloads.map((each) => String(done(each).id));
  };
  return {
    ...world,
    around,
    writerOf,
    clear,
    create,
    async some(writable) {
      const { name, table, operations } = writable;
      if (operations.includes('create') || name === 'WorkspaceMember') {
        return (await create(writable))[0] as string;
      }
      if (name === 'Workspace') return ours.workspaceId;
      if (name === 'UserProfile') return ours.ownerId;
      const own = ours.rows.get(table)?.find((row) => row.user_id === ours.ownerId);
      return String(own?.id);
    },
  };
}

export function surroundingsOf({ rows, ownerId }: Side): Surroundings {
  const members = (rows.get('user_workspaces') ?? []).map(({ user_id }) => String(user_id));
  return { rows, people: [ownerId, ...members.filter((id) => id !== ownerId)] };
}

/** Makes a person a member, like a trusted writer, and returns the membership. */
async function admit(
  { query }: TestDatabase,
  userId: string,
  workspaceId: string,
): Promise<string> {
  const [row] = await query<{ id: string }>(
    `insert into user_workspaces (user_id, workspace_id) values ($1, $2)
     on conflict (user_id, workspace_id) do update set role = 'Viewer' returning id`,
    [userId, workspaceId],
  );
  return String(row?.id);
}
