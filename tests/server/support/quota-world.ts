import type { Plugin } from 'graphql-yoga';
import { Registry } from 'prom-client';
import type { HolderScope } from '../../../src/context/quotas.ts';
import { type Client, type LiveApi, openLiveApi } from '../../support/api.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createTenant, insert } from '../../support/tenant.ts';
import { limits } from './gateway.ts';

/** A gateway with small limits, and clients that reach them. */
export interface QuotaWorld {
  api: LiveApi;
  /** For each scope, two clients that are counted together and one that is counted separately. */
  clients: Record<HolderScope, { own: [Client, Client]; other: Client }>;
  /** Functions that release the held operations, oldest first. */
  held: (() => void)[];
  /** Holds operations from now on, or releases all of them. */
  hold(isHeld: boolean): void;
  /** The values of a metric by `resource scope`. */
  reading(
    metric: 'codex_quota_in_use' | 'codex_quota_refusals_total',
  ): Promise<Record<string, number>>;
  close(): Promise<void>;
}

/** Creates two workspaces with people and two agents. */
export async function createHolders(database: TestDatabase) {
  const tenants = [await createTenant(database), await createTenant(database)];
  const agents = ['quota-scout', 'quota-writer'];
  for (const name of agents) {
    const agent = await insert(database, 'agent_registry', {
      agent_name: name,
      agent_type: 'researcher',
    });
    for (const { workspaceId } of tenants) {
      await insert(database, 'agent_assignments', { workspace_id: workspaceId, agent_id: agent });
    }
  }
  return { tenants, agents };
}

/** Starts a gateway with changed limits. */
export async function openQuotaWorld(
  database: TestDatabase,
  { tenants, agents }: Awaited<ReturnType<typeof createHolders>>,
  changed: Parameters<typeof limits>[0],
): Promise<QuotaWorld> {
  const metrics = new Registry();
  const held: (() => void)[] = [];
  let isHeld = false;
  const plugin: Plugin = {
    onExecute({ executeFn, setExecuteFn }) {
      if (!isHeld) return;
      setExecuteFn(async (args) => {
        await new Promise<void>((resolve) => {
          const go = () => {
            if (held.includes(go)) held.splice(held.indexOf(go), 1);
            resolve();
          };
          held.push(go);
        });
        return executeFn(args);
      });
    },
  };
  const hold = (wanted: boolean) => {
    isHeld = wanted;
    if (!wanted) for (const go of [...held]) go();
  };
  const api = await openLiveApi(database, { limits: limits(changed), metrics, plugins: [plugin] });
  const [ours, theirs] = tenants;
  if (!ours || !theirs) throw new Error('Two workspaces are needed.');
  const viewer = await api.as(ours.people.Viewer, ours.workspaceId);
  const analyst = await api.as(ours.people.Analyst, ours.workspaceId);
  const agent = (name = '') => api.asAgent(name, ['*:read'], ours.workspaceId);
  const scout = await agent(agents[0]);
  return {
    api,
    clients: {
      person: { own: [viewer, viewer], other: analyst },
      agent: { own: [scout, scout], other: await agent(agents[1]) },
      workspace: {
        own: [viewer, scout],
        other: await api.as(theirs.people.Viewer, theirs.workspaceId),
      },
    },
    held,
    hold,
    async reading(name) {
      const all = await metrics.getSingleMetric(name)?.get();
      return Object.fromEntries(
        (all?.values ?? []).map(({ value, labels }) => [
          `${labels.resource} ${labels.scope}`,
          value,
        ]),
      );
    },
    async close() {
      hold(false);
      await api.close();
    },
  };
}
