import { limits } from '../resolvers/limits.ts';
import { builder } from './builder.ts';
import { priced } from './cost/price.ts';
import { readModelRows } from './cost/row-prices.ts';
import { NULLABLE_LIST } from './model/any-model.ts';
import { readModel } from './model/read-model.ts';
import { refOf } from './models.ts';

const Workspace = refOf('Workspace');

const WorkspaceStatusCount = readModel('WorkspaceStatusCount', { columns: ['total'] });

builder.prismaObjectFields(WorkspaceStatusCount, (t) => ({
  entity: t.string({
    nullable: false,
    description: 'The kind of rows: CAMPAIGN, CAMPAIGN_QUEST, MOVE, SYSTEM_ALERT and so on.',
    select: { entity: true },
    resolve: ({ entity }) => entity.toUpperCase(),
  }),
  status: t.string({
    nullable: false,
    description: 'One of its statuses, spelled as elsewhere in the API.',
    select: { status: true },
    resolve: ({ status }) => status.toUpperCase(),
  }),
}));

builder.prismaObjectField(Workspace, 'overview', (t) =>
  t.relation('statusCounts', {
    nullable: NULLABLE_LIST,
    description: 'Number of rows in the current workspace, by type and status.',
    ...priced(readModelRows(limits.maxPageSize, 3)),
    query: { orderBy: [{ entity: 'asc' }, { status: 'asc' }], take: limits.maxPageSize },
  }),
);
