import { createSourceEventStream, execute, parse } from 'graphql';
import { type Context, createContext } from '../../src/context/context.ts';
import { createDatabase } from '../../src/context/database/client.ts';
import type { Identity } from '../../src/context/identity.ts';
import { runInSession } from '../../src/context/session.ts';
import type { Change } from '../../src/realtime/change.ts';
import { ChangeEvent, type ChangeSource } from '../../src/realtime/change-source.ts';
import { schema } from '../../src/schema/index.ts';
import { audienceOf, contextOf } from '../../src/subscriptions/group-audience.ts';
import type { Data } from '../support/data.ts';
import type { TestDatabase } from '../support/database.ts';
import { seal } from '../support/seal.ts';
import { type Case, cases } from './cases.ts';

/** The data of one event; undefined if the change sent none. */
export type EventData = Data;

/** A person, agent or audience that subscribes, without a hub. */
export interface Subscriber {
  /** Returns the source of a subscription. Throws if the subscription is refused. */
  subscribe(document: string, variables?: Record<string, unknown>): Promise<ChangeSource>;
  /** Executes a subscription for changes of one batch. */
  execute(
    document: string,
    changes: readonly Change[],
    variables?: Record<string, unknown>,
  ): Promise<EventData[]>;
}

export interface Stage {
  as(userId: string, workspaceId?: string): Promise<Subscriber>;
  /** The audience of all members of a workspace with the person's role. */
  asMembers(userId: string, workspaceId: string): Promise<Subscriber>;
  asAgent(name: string, scopes: readonly string[], workspaceId?: string): Promise<Subscriber>;
  /** The SQL statements since the last call, in order. */
  statements(): string[];
  close(): Promise<void>;
}

/** Executes subscriptions over a test database, without a hub. */
export function openStage({ gatewayUrl }: TestDatabase): Stage {
  let recorded: string[] = [];
  const database = createDatabase({
    connectionString: gatewayUrl,
    maxConnections: 3,
    onStatement: (sql) => recorded.push(sql),
  });
  const expiresAt = new Date(Date.now() + 600_000);
  const newContext = (identity: Identity, workspaceId: string | undefined) =>
    createContext({
      requestId: 'test',
      identity,
      workspaceHeader: workspaceId ?? null,
      idempotencyHeader: null,
      database,
      seal,
    });
  const person = (id: string): Identity => ({ kind: 'person', id, expiresAt });
  return {
    as: async (userId, workspaceId) => subscriber(() => newContext(person(userId), workspaceId)),
    asMembers: async (userId, workspaceId) => {
      const audience = audienceOf(await newContext(person(userId), workspaceId), false);
      return subscriber(async () => contextOf(audience, 'test', { database, seal }));
    },
    asAgent: async (name, scopes, workspaceId) =>
      subscriber(() => newContext({ kind: 'agent', name, scopes, expiresAt }, workspaceId)),
    statements() {
      const taken = recorded;
      recorded = [];
      return taken;
    },
    close: () => database.close(),
  };
}

function subscriber(newContext: () => Promise<Context>): Subscriber {
  const request = async (document: string, variableValues: Record<string, unknown>) => ({
    schema,
    document: parse(document),
    contextValue: await newContext(),
    variableValues,
  });
  return {
    async subscribe(document, variables = {}) {
      const args = await request(document, variables);
      const source = await runInSession(args.contextValue.session, () =>
        createSourceEventStream(args),
      );
      if ('errors' in source) throw source.errors?.[0]?.originalError ?? source.errors?.[0];
      return source as unknown as ChangeSource;
    },
    async execute(document, changes, variables = {}) {
      const args = await request(document, variables);
      const events = changes.map((change) => new ChangeEvent(change, ({ seq }) => `after ${seq}`));
      const results = await runInSession(args.contextValue.session, () =>
        Promise.all(events.map(async (rootValue) => execute({ ...args, rootValue }))),
      );
      return results.map(({ data, errors }, i) => {
        if (errors?.[0]) throw errors[0];
        return events[i]?.skipped ? undefined : Object.values(data ?? {})[0];
      });
    },
  };
}

let seq = 0;

/** Returns a change as the change log could contain it. */
export function changeOf(
  model: string,
  operation: Change['operation'],
  rowId: string,
  changedColumns: readonly string[] = [],
): Change {
  seq += 1;
  return {
    seq,
    model,
    rowId,
    operation,
    workspaceId: null,
    readerId: null,
    changedColumns,
    occurredAt: new Date('2026-01-02T03:04:05.678Z'),
  };
}

function caseIn(table: string): Case {
  const found = cases.find((each) => each.table === table);
  if (!found) throw new TypeError(`No model belongs to the table ${table}`);
  return found;
}

interface LogRow extends Omit<Change, 'model'> {
  table: string;
}

/** Runs `work` and returns its changes in the change log. */
export async function changesBy(
  { query }: TestDatabase,
  work: () => Promise<unknown>,
): Promise<Change[]> {
  const [last] = await query<{ seq: number }>(
    'select coalesce(max(seq), 0)::int as seq from gateway.change',
  );
  await work();
  const rows = await query<LogRow>(
    `select seq::int, table_name as table, row_id as "rowId", operation, workspace_id as "workspaceId",
       reader_id as "readerId", changed_columns as "changedColumns", occurred_at as "occurredAt"
     from gateway.change where seq > $1 order by seq`,
    [last?.seq],
  );
  return rows.map(({ table, changedColumns, ...row }) => {
    const { name, columns } = caseIn(table);
    const fieldOf = (column: string) =>
      columns.find(([, { column: sqlName }]) => sqlName === column)?.[0] ?? column;
    return { ...row, model: name, changedColumns: changedColumns.map(fieldOf) };
  });
}
