import { afterAll, afterEach, beforeAll } from 'vitest';
import { type Client, type LiveApi, openLiveApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  type Listener,
  listen,
  listening,
  type Subscription,
  type Transport,
} from '../support/subscribe.ts';
import type { Role, Tenant } from '../support/tenant.ts';

export const ALERTS = 'subscription { alertRaised { node { title } } }';

export let database: TestDatabase;

export let api: LiveApi;

export let listeners: Listener[] = [];

export interface Watch {
  listener: Listener;
  subscription: Subscription;
  titles(): string[];
}

/** Subscribes to alerts, and waits until the subscription is open. */
export async function watch(client: Client, transport?: Transport, query = ALERTS): Promise<Watch> {
  const { subscribers } = await api.open();
  const opened = open(client, transport, query);
  await listening(api, subscribers + 1);
  return opened;
}

export function open(client: Client, transport?: Transport, query = ALERTS): Watch {
  const listener = listen(api.url, client, transport);
  listeners.push(listener);
  const subscription = listener.subscribe(query);
  return {
    listener,
    subscription,
    titles: () => subscription.received().map((event) => event?.node?.title),
  };
}

export const asRole = ({ people, workspaceId }: Tenant, role: Role) =>
  api.as(people[role], workspaceId);

export const ALERT = `insert into system_alerts (workspace_id, alert_type, title) values ($1, 'error', $2)`;

export const raise = ({ workspaceId }: Tenant, title: string) =>
  database.query(ALERT, [workspaceId, title]);

export const remove = ({ workspaceId }: Tenant, userId: string) =>
  database.query('delete from user_workspaces where workspace_id = $1 and user_id = $2', [
    workspaceId,
    userId,
  ]);

export const join = ({ workspaceId }: Tenant, userId: string, role: Role = 'Viewer') =>
  database.query('insert into user_workspaces (workspace_id, user_id, role) values ($1, $2, $3)', [
    workspaceId,
    userId,
    role,
  ]);

export const promote = ({ workspaceId }: Tenant, userId: string, role: Role) =>
  database.query('update user_workspaces set role = $3 where workspace_id = $1 and user_id = $2', [
    workspaceId,
    userId,
    role,
  ]);

/** Registers the hooks that create and close what the tests of a file share. */
export function setUp(): void {
  beforeAll(async () => {
    database = await createTestDatabase();
    api = await openLiveApi(database);
  });
  afterEach(async () => {
    for (const listener of listeners) listener.close();
    listeners = [];
    await listening(api, 0);
  });
  afterAll(async () => {
    await api?.close();
    await database?.close();
  });
}
