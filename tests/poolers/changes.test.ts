import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { perform } from '../support/mutations.ts';
import { hasPgBouncer } from '../support/pgbouncer.ts';
import { type Listener, listen, type Subscription } from '../support/subscribe.ts';
import { createPooledWorld, type Person, type PooledGateway, type PooledWorld } from './world.ts';

const MODES = [
  ['session mode', 'session', false],
  ['transaction mode', 'transaction', false],
  ['transaction mode, with a direct connection to Postgres', 'transaction', true],
] as const;

describe.runIf(hasPgBouncer()).each(MODES)('behind PgBouncer in %s', (_, mode, isDirect) => {
  let world: PooledWorld;
  let gateway: PooledGateway;
  let owner: Person;
  let listener: Listener;
  const statements = vi.spyOn(pg.Client.prototype, 'query');
  beforeAll(async () => {
    statements.mockClear();
    world = await createPooledWorld(mode);
    gateway = await world.open(
      isDirect ? { DATABASE_DIRECT_URL: world.database.gatewayUrl } : undefined,
    );
    owner = await gateway.owner();
    listener = listen(gateway.url, owner);
  });
  afterAll(async () => {
    listener?.close();
    await world?.close();
  });

  const raise = (title: string) =>
    perform(owner, `raiseAlert(title: "${title}", type: ANOMALY, severity: HIGH)`, '{ id }');
  const liveCursor = async () =>
    (await owner.data('{ systemAlerts { liveCursor } }')).systemAlerts.liveCursor;
  const follow = (after: string) =>
    listener.subscribe(
      'subscription ($after: String) { alertRaised(after: $after) { cursor node { title } } }',
      { after },
    );
  const titles = (subscription: Subscription) =>
    subscription.received().map((event) => event?.node.title);

  it('delivers each change once, and replays from any cursor', async () => {
    const live = follow(await liveCursor());
    const expected = Array.from({ length: 12 }, (_, n) => `Alert ${n}`);
    for (const title of expected) await raise(title);
    await eventually(() => titles(live)).toEqual(expected);
    const resumed = follow(live.received()[4]?.cursor);
    await eventually(() => titles(resumed)).toEqual(expected.slice(5));
    live.end();
    resumed.end();
  });

  it('updates a live query', async () => {
    const live = listener.subscribe('query @live { campaigns { totalCount } }');
    await eventually(() => live.results.length).toBe(1);
    const before = live.received()[0]?.totalCount;
    await perform(owner, 'createCampaign(input: { name: "Followed" })', '{ id }');
    await eventually(() => live.received().at(-1)?.totalCount).toBe(before + 1);
    live.end();
  });

  it('listens for notifications only over a session that it does not share', async () => {
    const { port } = new URL(isDirect ? world.database.url : world.bouncer.url(world.database.url));
    const ports = statements.mock.calls.flatMap(([statement], call) => {
      const client = statements.mock.contexts[call] as pg.Client;
      return (statement as { text?: string }).text?.startsWith('LISTEN') ? client.port : [];
    });
    expect(ports).toEqual(mode === 'session' || isDirect ? [Number(port)] : []);
  });

  it('loses no change when PgBouncer reloads its settings or is killed and restarted', async () => {
    const live = follow(await liveCursor());
    const expected: string[] = [];
    const write = async (count: number) => {
      for (let n = 0; n < count; n += 1) {
        const title = `Commit ${expected.length}`;
        await world.database.query(
          `insert into system_alerts (workspace_id, alert_type, title) values ($1, 'error', $2)`,
          [owner.workspaceId, title],
        );
        expected.push(title);
      }
    };
    await write(5);
    world.bouncer.reload();
    await raise('After the reload');
    expected.push('After the reload');
    await write(5);
    await world.bouncer.kill();
    await write(5);
    const refused = await owner.ask('{ campaigns(first: 1) { nodes { id } } }');
    expect(refused.errors?.[0]?.extensions.code).toBe('SERVICE_UNAVAILABLE');
    await eventually(async () => (await fetch(`${gateway.url}/health/ready`)).status).toBe(503);
    await delay(200);
    await world.bouncer.start();
    await write(5);
    await eventually(async () => (await fetch(`${gateway.url}/health/ready`)).status).toBe(200);
    expect(
      (await owner.data('{ campaigns(first: 1) { nodes { id } } }')).campaigns.nodes,
    ).toHaveLength(1);
    await raise('Afterwards');
    expected.push('Afterwards');
    await eventually(() => titles(live)).toEqual(expected);
    live.end();
  });
});
