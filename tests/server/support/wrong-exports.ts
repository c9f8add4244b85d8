import { exportPath } from './exports.ts';

/** A request, the parameter that the answer names, and its status and code. */
type WrongExport = readonly [
  path: string,
  argument: string | undefined,
  status: number,
  code: string,
  init?: RequestInit,
];

/** Requests for exports that are refused. */
export const wrongExports: readonly WrongExport[] = [
  [
    exportPath('agents.csv', { filter: { systemPrompt: { contains: 'a' } } }),
    'filter',
    400,
    'BAD_USER_INPUT',
  ],
  [
    exportPath('agents.csv', { orderBy: [{ field: 'SYSTEM_PROMPT' }] }),
    'orderBy[0].field',
    400,
    'BAD_USER_INPUT',
  ],
  ['/export/nothing.csv', undefined, 404, 'NOT_FOUND'],
  ['/export/systemAlerts.xlsx', undefined, 404, 'NOT_FOUND'],
  ['/export/viewer.csv', undefined, 404, 'NOT_FOUND'],
  ['/export/', undefined, 404, 'NOT_FOUND'],
  ['/export/constructor.csv', undefined, 404, 'NOT_FOUND'],
  [exportPath('systemAlerts.csv', { columns: 'nothing' }), 'columns', 400, 'BAD_USER_INPUT'],
  [exportPath('systemAlerts.csv', { columns: 'id,id' }), 'columns', 400, 'BAD_USER_INPUT'],
  [exportPath('systemAlerts.csv', { columns: '' }), 'columns', 400, 'BAD_USER_INPUT'],
  [
    exportPath('systemAlerts.csv', { columns: 'relatedCampaign' }),
    'columns',
    400,
    'BAD_USER_INPUT',
  ],
  [exportPath('systemAlerts.csv', { filter: '{' }), 'filter', 400, 'BAD_USER_INPUT'],
  [
    exportPath('systemAlerts.csv', { filter: { status: { equals: 'NO' } } }),
    'filter.status.equals',
    400,
    'BAD_USER_INPUT',
  ],
  [exportPath('systemAlerts.csv', { filter: { nothing: {} } }), 'filter', 400, 'BAD_USER_INPUT'],
  [
    exportPath('systemAlerts.csv', { filter: { title: null } }),
    'filter.title',
    400,
    'BAD_USER_INPUT',
  ],
  [
    exportPath('systemAlerts.csv', { orderBy: [{ field: 'NO' }] }),
    'orderBy[0].field',
    400,
    'BAD_USER_INPUT',
  ],
  [
    exportPath('systemAlerts.csv', { orderBy: Array(6).fill({ field: 'ID' }) }),
    'orderBy',
    400,
    'BAD_USER_INPUT',
  ],
  [exportPath('systemAlerts.csv', { first: 3 }), 'first', 400, 'BAD_USER_INPUT'],
  ['/export/systemAlerts.csv?columns=id&columns=title', 'columns', 400, 'BAD_USER_INPUT'],
  [`/export/systemAlerts.csv?filter=${'x'.repeat(9_000)}`, undefined, 414, 'OPERATION_TOO_LARGE'],
  ['/export/systemAlerts.csv', undefined, 405, 'BAD_REQUEST', { method: 'DELETE' }],
  ['/export/systemAlerts.csv', undefined, 415, 'BAD_REQUEST', { method: 'POST', body: 'id' }],
  ...['{', '[]', 'null', '1', ''].map(
    (body): WrongExport => [
      '/export/systemAlerts.csv',
      undefined,
      400,
      'BAD_REQUEST',
      { method: 'POST', body, headers: { 'content-type': 'application/json' } },
    ],
  ),
  [
    '/export/systemAlerts.csv',
    undefined,
    413,
    'REQUEST_ENTITY_TOO_LARGE',
    {
      method: 'POST',
      body: ' '.repeat(1_000_001),
      headers: { 'content-type': 'application/json' },
    },
  ],
  [
    exportPath('systemAlertsAggregate.csv', { measures: 'nothing' }),
    'measures',
    400,
    'BAD_USER_INPUT',
  ],
  [
    exportPath('systemAlertsAggregate.csv', {
      measures: 'count } totalGroups x: groups { count',
    }),
    'measures',
    400,
    'BAD_USER_INPUT',
  ],
  [
    exportPath('systemAlertsAggregate.csv', { measures: 'count } } query B { me' }),
    'measures',
    400,
    'BAD_USER_INPUT',
  ],
  [
    exportPath('systemAlertsAggregate.csv', { measures: 'key { status }' }),
    'measures',
    400,
    'BAD_USER_INPUT',
  ],
  [exportPath('systemAlertsAggregate.csv', { measures: '' }), 'measures', 400, 'BAD_USER_INPUT'],
  [
    exportPath('systemAlertsAggregate.csv', { measures: 'count '.repeat(600) }),
    'measures',
    400,
    'BAD_USER_INPUT',
  ],
  [
    exportPath('systemAlertsAggregate.csv', {
      measures: 'values { title { min } }',
      columns: 'id',
    }),
    'columns',
    400,
    'BAD_USER_INPUT',
  ],
  [
    exportPath('systemAlertsAggregate.csv', {
      groupBy: [{ status: {} }],
      measures: 'status: count',
    }),
    'measures',
    400,
    'BAD_USER_INPUT',
  ],
  [
    exportPath('systemAlertsAggregate.csv', { groupBy: [{ dataPoints: {} }] }),
    'groupBy[0].dataPoints.path',
    400,
    'BAD_USER_INPUT',
  ],
  [
    exportPath('systemAlertsAggregate.csv', {
      filter: { createdAt: { gte: '2016-01-01T00:00:00Z', lt: '2026-01-01T00:00:00Z' } },
      groupBy: [{ createdAt: { bucket: 'HOUR', fill: true } }],
    }),
    'groupBy[0].createdAt.fill',
    400,
    'BAD_USER_INPUT',
  ],
];
