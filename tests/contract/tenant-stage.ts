import type { Change } from '../../src/realtime/change.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, insert, type Tenant } from '../support/tenant.ts';
import { changesBy, openStage, type Stage, type Subscriber, type Told } from './changes.ts';

/** What subscriptions of these tests ask of each change. */
export const FIELDS = 'operation node { id } changedColumns';

type Values = Record<string, unknown>;

/** A stage over one workspace, with a person in every role. */
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
  /** Runs `work` and returns the changes that the log has of it. */
  changesBy(work: () => Promise<unknown>): Promise<Change[]>;
  /** What the Owner is told of the changes that the log has of `work`, each read at the end. */
  toldOf(document: string, work: () => Promise<unknown>): Promise<Told[]>;
}

/** Opens a stage over a database of its own, which is closed with it. */
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
    toldOf: async (document, work) => toldTo(owner, document, await changesBy(database, work)),
    async close() {
      await stage.close();
      await database.close();
    },
  };
}

/** What a subscription tells of those changes that it is told of. */
export async function toldTo(
  subscriber: Subscriber,
  document: string,
  changes: readonly Change[],
): Promise<Told[]> {
  const source = await subscriber.subscribe(document);
  const told = await subscriber.tell(
    document,
    changes.filter((change) => source.includes(change)),
  );
  return told.filter((each) => each !== undefined);
}
