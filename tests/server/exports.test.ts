import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SessionPool } from '../../src/context/database/pool.ts';
import { createExportPool } from '../../src/server/export/export-pool.ts';
import { cases } from '../contract/cases.ts';
import { createWorld, type World } from '../contract/world.ts';
import { type Api, type Client, openApi } from '../support/api.ts';
import { insert } from '../support/tenant.ts';
import { download, exportPath, pausedDownload, readCsv, readNdjson } from './support/exports.ts';
import { wrongExports } from './support/wrong-exports.ts';

const ORIGIN = 'https://app.example';

let world: World;
let pool: SessionPool;
let api: Api;
let owner: Client;
let viewer: Client;
let viewerId: string;
beforeAll(async () => {
  world = await createWorld(3);
  pool = createExportPool({ connectionString: world.database.gatewayUrl });
  api = await openApi(world.database, 3, { exports: { pool }, corsOrigins: [ORIGIN] });
  const { workspaceId, ownerId } = world.ours;
  const [member] = await world.database.query<{ user_id: string }>(
    'select user_id from user_workspaces where workspace_id = $1 and user_id <> $2',
    [workspaceId, ownerId],
  );
  viewerId = String(member?.user_id);
  owner = await api.as(ownerId, workspaceId);
  viewer = await api.as(viewerId, workspaceId);
});
afterAll(async () => {
  await api?.close();
  await pool?.end();
  await world?.close();
});

const ask = (path: string, { headers } = owner, init: RequestInit = {}) =>
  download(`${api.url}${path}`, { ...init, headers: { ...headers, ...init.headers } });
async function exported(file: string, parameters = {}, client = owner): Promise<string> {
  const { status, text } = await ask(exportPath(file, parameters), client);
  expect(status, text).toBe(200);
  return text;
}
const lines = async (list: string, parameters = {}, client = owner) =>
  readNdjson(await exported(`${list}.ndjson`, parameters, client));
const records = async (list: string, parameters = {}) =>
  readCsv(await exported(`${list}.csv`, parameters));

describe('every list', () => {
  it('exports what its reader sees in the API, as the API prints it', async () => {
    for (const { root, comparable } of cases) {
      const names = comparable.map(([name]) => name);
      const answer = await owner.data(`{ ${root}(first: 100) { nodes { ${names.join(' ')} } } }`);
      const nodes: Record<string, unknown>[] = answer[root].nodes;
      expect(await lines(root), root).toEqual(nodes);
      const [header, ...rows] = await records(root);
      expect(header).toEqual(names);
      const isJson = comparable.map(([, { type, isList }]) => type === 'Json' || isList);
      const read = rows.map((row) =>
        row.map((cell, n) => (cell && isJson[n] ? JSON.parse(cell) : cell)),
      );
      const shown = nodes.map((node) =>
        names.map((name, n) => (isJson[n] ? (node[name] ?? '') : String(node[name] ?? ''))),
      );
      expect(read, root).toEqual(shown);
    }
  }, 60_000);

  it('exports the rows that the policies show to its reader, and no others', async () => {
    const { workspaceId, ownerId } = world.ours;
    const readers = [
      { client: owner, userId: ownerId },
      { client: viewer, userId: viewerId },
    ];
    let differing = 0;
    for (const { root, table, tenancy } of cases) {
      const counts = new Set<number>();
      for (const { client, userId } of readers) {
        const visible = await world.database.as({ userId, workspaceId }, (query) =>
          query<{ id: string }>(`select id::text as id from ${table} order by id`),
        );
        const rows = await lines(root, { columns: 'id', orderBy: [{ field: 'ID' }] }, client);
        expect(rows, root).toEqual(visible);
        counts.add(rows.length);
      }
      if (counts.size > 1) differing += 1;
      if (tenancy === 'other') continue;
      const foreign = (world.theirs.rows.get(table) ?? []).map(({ id }) => id);
      const all = await lines(root, { columns: 'id' });
      expect(
        all.filter(({ id }) => foreign.includes(id)),
        root,
      ).toEqual([]);
    }
    // Else nobody would notice that roles make no difference.
    expect(differing).toBeGreaterThan(0);
  }, 60_000);
});

describe('rows and columns', () => {
  let alerts: string[];
  beforeAll(async () => {
    const titles = ['=1+1', '+1', '-1', '@sum', '\tx', '\rx', '＝1', 'a "b", c\r\nd', '', 'null'];
    alerts = [];
    for (const [n, title] of titles.entries()) {
      const { workspaceId } = world.ours;
      const message = `formulas ${n}`;
      const values = { workspace_id: workspaceId, alert_type: 'error', title, message };
      alerts.push(await insert(world.database, 'system_alerts', values));
    }
  });
  const filter = { message: { startsWith: 'formulas ' } };

  it('are chosen, filtered and ordered', async () => {
    const orderBy = [{ notifications: { count: 'DESC' } }, { field: 'TITLE', direction: 'DESC' }];
    const parameters = { filter, orderBy, columns: 'title, id' };
    const query = `query ($filter: SystemAlertFilter, $orderBy: [SystemAlertOrderBy!]) {
      systemAlerts(filter: $filter, orderBy: $orderBy) { nodes { title id } } }`;
    const { systemAlerts } = await owner.data(query, { filter, orderBy });
    const rows = await lines('systemAlerts', parameters);
    expect(rows).toHaveLength(alerts.length);
    expect(rows).toEqual(systemAlerts.nodes);
    expect(Object.keys(rows[0] ?? {})).toEqual(['title', 'id']);
    const sent = {
      method: 'POST',
      body: JSON.stringify({ ...parameters, columns: ['title', 'id'] }),
    };
    const headers = { 'content-type': 'application/json' };
    const posted = await ask('/export/systemAlerts.ndjson', owner, { ...sent, headers });
    expect(readNdjson(posted.text)).toEqual(rows);
  });

  it('are shown by spreadsheets, not run', async () => {
    const orderBy = [{ field: 'MESSAGE' }];
    const text = await exported('systemAlerts.csv', { filter, orderBy, columns: 'title' });
    expect(text).toBe(
      `title\r\n'=1+1\r\n'+1\r\n'-1\r\n'@sum\r\n'\tx\r\n"'\rx"\r\n'＝1\r\n"a ""b"", c\r\nd"\r\n""\r\nnull\r\n`,
    );
    const [row] = await lines('systemAlerts', { filter, orderBy, columns: 'title' });
    expect(row).toEqual({ title: '=1+1' });
  });

  it('have numbers below zero as they are', async () => {
    const [alert] = alerts;
    await world.database.query(
      `update system_alerts set triggered_at = '2026-03-01', acknowledged_at = '2026-03-01 00:01:30' where id = $1`,
      [alert],
    );
    const measures = 'between(from: ACKNOWLEDGED_AT, to: TRIGGERED_AT) { avg }';
    const [header, row] = await records('systemAlertsAggregate', { filter, measures });
    expect([header, row]).toEqual([['between.avg'], ['-90']]);
  });

  it('keep a missing value and an empty text apart', async () => {
    const parameters = { filter: { ...filter, title: { equals: '' } } };
    const text = await exported('systemAlerts.csv', {
      ...parameters,
      columns: 'title,relatedCampaignId',
    });
    expect(text).toBe('title,relatedCampaignId\r\n"",\r\n');
  });

  it('of a list without rows are a header, or nothing', async () => {
    const nothing = { filter: { title: { equals: 'There is no such title' } }, columns: 'id' };
    expect(await exported('systemAlerts.csv', nothing)).toBe('id\r\n');
    expect(await exported('systemAlerts.ndjson', nothing)).toBe('');
  });
});

describe('guarded columns', () => {
  const columns = 'agentName,systemPrompt,modelConfig';

  it('are there when they are asked for, for those who may read them', async () => {
    const read = `{ agents { nodes { ${columns} } } }`;
    const [forOwner, forViewer] = [await owner.data(read), await viewer.data(read)];
    expect(await lines('agents', { columns })).toEqual(forOwner.agents.nodes);
    expect(await lines('agents', { columns }, viewer)).toEqual(forViewer.agents.nodes);
    expect(forOwner.agents.nodes).not.toEqual(forViewer.agents.nodes);
    const [row = {}] = await lines('agents');
    expect(Object.keys(row)).not.toContain('systemPrompt');
  });
});

describe('aggregates', () => {
  it('export keys, totals and measures as the API prints them', async () => {
    const variables = {
      groupBy: [{ severityLevel: {} }, { createdAt: { part: 'MONTH_OF_YEAR' } }],
      having: { count: { gte: 1 } },
      orderBy: [{ count: 'DESC' }],
      totals: true,
    };
    const measures = `count open: count(filter: { status: { equals: ACTIVE } })
      distinct { title } values { createdAt { max } title { min } } between(from: TRIGGERED_AT, to: ACKNOWLEDGED_AT) { p50 max }`;
    const document = `query ($groupBy: [SystemAlertGroupBy!], $having: SystemAlertHaving, $orderBy: [SystemAlertGroupOrderBy!], $totals: Boolean) {
      systemAlertsAggregate(groupBy: $groupBy, having: $having, orderBy: $orderBy, totals: $totals) {
        groups { key { severityLevel part(of: CREATED_AT) } keyCount ${measures} } } }`;
    const { systemAlertsAggregate } = await owner.data(document, variables);
    const groups = systemAlertsAggregate.groups;
    expect(groups.length).toBeGreaterThan(3);
    const rows = await lines('systemAlertsAggregate', { ...variables, measures });
    expect(rows).toEqual(
      groups.map((group: Record<string, Record<string, Record<string, unknown>>>) => ({
        severityLevel: group.key?.severityLevel,
        'createdAt.part': group.key?.part,
        keyCount: group.keyCount,
        count: group.count,
        open: group.open,
        'distinct.title': group.distinct?.title,
        'values.createdAt.max': group.values?.createdAt?.max,
        'values.title.min': group.values?.title?.min,
        'between.p50': group.between?.p50,
        'between.max': group.between?.max,
      })),
    );
  });

  it('export all groups, which the API does in pages', async () => {
    const { workspaceId } = world.ours;
    await world.database.query(
      `insert into system_alerts (workspace_id, alert_type, title)
       select $1, 'error', 'Group ' || n from generate_series(1, 1500) n`,
      [workspaceId],
    );
    const filter = { title: { startsWith: 'Group ' } };
    const rows = await lines('systemAlertsAggregate', { filter, groupBy: [{ title: {} }] });
    expect(rows).toHaveLength(1500);
    expect(new Set(rows.map(({ count }) => count))).toEqual(new Set([1]));
    expect(await lines('systemAlerts', { filter, columns: 'id' })).toHaveLength(1500);
  });
});

describe('a wrong request is refused with its code and the parameter', () => {
  const named = wrongExports.map((wrong) => [wrong[0].slice(0, 100), wrong] as const);

  it.each(named)('%s', async (_, [path, argument, status, code, init]) => {
    const answer = await ask(path, owner, init);
    expect([answer.status, answer.text]).toEqual([status, expect.any(String)]);
    const [error] = JSON.parse(answer.text).errors;
    expect(error.extensions).toEqual(argument ? { code, argument } : { code });
    expect(answer.headers.get('content-disposition')).toBeNull();
  });

  it('and so are those who may not ask', async () => {
    const path = '/export/systemAlerts.csv';
    const nobody = await download(`${api.url}${path}`);
    expect([nobody.status, nobody.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    const foreign = await ask(path, await api.as(world.ours.ownerId, world.theirs.workspaceId));
    expect(foreign.status).toBe(403);
    const homeless = await ask(path, await api.as(world.ours.workspaceId));
    expect(JSON.parse(homeless.text).errors[0].extensions.code).toBe('WORKSPACE_REQUIRED');
  });
});

describe('over HTTP', () => {
  const path = exportPath('systemAlerts.csv', { columns: 'id,title,message,createdAt' });

  it('a file has a name, a type and the headers of all answers', async () => {
    const init = { headers: { origin: ORIGIN, 'x-request-id': 'mine' } };
    const get = await ask(path, owner, init);
    const head = await ask(path, owner, { ...init, method: 'HEAD' });
    for (const { status, headers } of [get, head]) {
      expect(status).toBe(200);
      expect(headers.get('content-disposition')).toMatch(
        /^attachment; filename="systemAlerts-\d{4}-\d\d-\d\d\.csv"$/,
      );
      expect(headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-request-id')).toBe('mine');
      expect(headers.get('access-control-allow-origin')).toBe(ORIGIN);
      expect(headers.get('access-control-expose-headers')).toContain('content-disposition');
    }
    expect(head.text).toBe('');
  });

  it('a page of a listed origin may ask', async () => {
    const preflight = await download(`${api.url}${path}`, {
      method: 'OPTIONS',
      headers: { origin: ORIGIN, 'access-control-request-method': 'GET' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe(ORIGIN);
  });

  it.each([
    ['gzip', gunzipSync],
    ['br', brotliDecompressSync],
  ] as const)('a file is compressed as %s where that is accepted', async (encoding, decompress) => {
    const plain = await ask(path, owner, { headers: { 'accept-encoding': 'identity' } });
    const compressed = await pausedDownload(`${api.url}${path}`, {
      ...owner.headers,
      'accept-encoding': encoding,
    });
    expect(compressed.headers['content-encoding']).toBe(encoding);
    expect(plain.headers.get('content-encoding')).toBeNull();
    expect(decompress(await compressed.bytes()).toString()).toBe(plain.text);
  });
});
