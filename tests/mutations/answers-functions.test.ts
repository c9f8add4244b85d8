import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { models } from '../../src/models/index.ts';
import { type Api, type Client, openApi } from '../support/api.ts';
import type { Data } from '../support/data.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant } from '../support/tenant.ts';
import { costlySelections, expectTransactions, readAs, resultsOf, withoutIds } from './answers.ts';
import { FUNCTION_CALLS, plant } from './function-calls.ts';
import { mutationFields } from './writable.ts';

let database: TestDatabase;
let api: Api;
beforeAll(async () => {
  database = await createTestDatabase();
  api = await openApi(database);
});
afterAll(async () => {
  await api?.close();
  await database?.close();
});

/** A new workspace, with a row for each function. */
async function stage() {
  const tenant = await createTenant(database);
  const rows = await plant(database, tenant);
  const { Owner: ownerId } = tenant.people;
  return { ownerId, rows, tenant, owner: await api.as(ownerId, tenant.workspaceId) };
}

/** Calls a function as a dry run and then really, and returns the payload of the second call. */
async function callTwice(client: Client, name: string, args: string, selection: string) {
  const call = (dryRun: string) => `${name}(${[args, dryRun].filter(Boolean).join(', ')})`;
  api.statements();
  const { dry, real } = await client.data(
    `mutation { dry: ${call('dryRun: true')} ${selection} real: ${call('dryRun: false')} ${selection} }`,
  );
  expectTransactions(api.statements(), 1);
  expect(withoutIds(dry)).toEqual(withoutIds(real));
  const payload: Data = real;
  return payload;
}

const isCounting = (name: string) => FUNCTION_CALLS[name]?.selection?.includes('affected');
const modelOf = (name: string) => String(mutationFields[name]?.type).replace(/(Bulk)?Payload$/, '');
/** Functions whose rows can be looked up. */
const withRows = Object.entries(FUNCTION_CALLS).filter(
  ([name]) => !isCounting(name) && models.has(modelOf(name)),
);

describe('a function and its dry run have the same answer as a query after it', () => {
  it.each(withRows)('%s', async (name, { call, selection }) => {
    const model = modelOf(name);
    const lookup = model.charAt(0).toLowerCase() + model.slice(1);
    for (const [n, selected] of costlySelections(model).entries()) {
      const { rows, owner, ownerId, tenant } = await stage();
      const args = call(rows, 'Owner', rows).replace('"another"', `"another-${n}"`);
      const wanted = `{ id ${lookup} { ${selected} } errors { message } }`;
      const isMany = selection?.includes('results');
      // A deleted row can only be read before the function.
      const [member] = await database.query<{ id: string }>(
        'select id from user_workspaces where user_id = $1',
        [rows.person],
      );
      const removed = await readAs(owner, lookup, [member?.id ?? ''], selected);
      const payload = await callTwice(owner, name, args, isMany ? `{ results ${wanted} }` : wanted);
      const [result] = resultsOf(payload);
      expect(result?.errors).toEqual([]);
      const made = name === 'createWorkspace' ? result?.id : tenant.workspaceId;
      const reader = await api.as(ownerId, made);
      const read = await readAs(reader, lookup, [result?.id], selected);
      expect([result?.[lookup]]).toEqual(name === 'removeMember' ? removed : read);
    }
  });
});

it('the count of a function is read in its transaction', async () => {
  const { owner } = await stage();
  const payload = await callTwice(owner, 'markAllNotificationsRead', '', '{ affected }');
  expect(payload).toEqual({ affected: 1 });
});

it('the answer for a new workspace has data that only its members see', async () => {
  const { owner, ownerId } = await stage();
  const { workspace } = (
    await owner.data(`mutation {
      createWorkspace(name: "New") { workspace {
        members { totalCount nodes { userId role } }
        history(first: 1) { nodes { operation actorId } }
        campaigns { totalCount }
      } }
    }`)
  ).createWorkspace;
  expect(workspace).toEqual({
    members: { totalCount: 1, nodes: [{ userId: ownerId, role: 'OWNER' }] },
    history: { nodes: [{ operation: 'INSERT', actorId: ownerId }] },
    campaigns: { totalCount: 0 },
  });
});
