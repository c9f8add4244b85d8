import type { Change } from '../../src/realtime/change.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, insert, type Tenant } from '../support/tenant.ts';
import { changesBy, type EventData, openStage, type Stage, type Subscriber } from './changes.ts';

/** The selection of each event in these tests. */
export const FIELDS = 'operation node { id } changedColumns';

type Values = Record<string, unknown>;

/** A stage for one workspace with a person in every role. */
export interface TenantStage extends Stage {
  database: TestDatabase;
  tenant: Tenant;
  owner: Subscriber;
  /** Runs a statement as the superuser. */
  run(sql: string, ...values: unknown[]): Promise<unknown>;
  /** Inserts an alert and returns its id. */
  alert(values?: Values): Promise<string>;
  /** Inserts a campaign and returns its id. */
  campaign(values?: Values): Promise<string>;
  /** Runs `work` and returns its changes in the change log. */
  changesBy(work: () => Promise<unknown>): Promise<Change[]>;
  /** Runs `work`, then returns the events of its changes for the Owner. */
  eventsOf(document: string, work: () => Promise<unknown>): Promise<EventData[]>;
}

/** Opens a stage with its own database, which it closes. */
export async function openTenantStage(): Promise<TenantStage> {
  const database = await createTestDatabase();
  const tenant = await createTenant(database);
  const stage = openStage(database);
  const { workspaceId: workspace_id } = tenant;
  const owner = await stage.as(tenant.people.Owner, workspace_id);
  return {
    ...stage,
    database,
    tenant,
    owner,
    run: (sql, ...values) => database.query(sql, values),
    alert: (values = {}) =>
      insert(database, 'system_alerts', {
        workspace_id,
        alert_type: 'performance',
        title: 'Reach fell',
        ...values,
      }),
    campaign: (values = {}) =>
      insert(database, 'campaigns', { workspace_id, name: 'Launch', ...values }),
    changesBy: (work) => changesBy(database, work),
    eventsOf: async (document, work) => eventsFor(owner, document, await changesBy(database, work)),
    async close() {
      await stage.close();
      await database.close();
    },
  };
}

/** Returns the events that a subscription sends for these changes. */
export async function eventsFor(
  subscriber: Subscriber,
  document: string,
  changes: readonly Change[],
): Promise<EventData[]> {
  const source = await subscriber.subscribe(document);
  const events = await subscriber.execute(
    document,
    changes.filter((change) => source.includes(change)),
  );
  return events.filter((each) => each !== undefined);
}
