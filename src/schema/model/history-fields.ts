import { modelOf } from '../../resolvers/catalog.ts';
import { type AuditEntry, type HistoryArguments, loadHistory } from '../../resolvers/history.ts';
import { limits } from '../../resolvers/limits.ts';
import { loadRow } from '../../resolvers/loaders.ts';
import { builder, type Types } from '../builder.ts';
import { lookedUpListPrice } from '../cost/lists.ts';
import { priced } from '../cost/price.ts';
import { foundRow } from '../cost/row-prices.ts';
import { type AnyFields, rowRef } from './any-model.ts';
import { selectionOf } from './links.ts';

const AuditOperation = builder.enumType('AuditOperation', {
  description: 'The kind of change.',
  values: ['INSERT', 'UPDATE', 'DELETE'] as const,
});

const AuditEntryRef = builder.objectRef<AuditEntry>('AuditEntry');

AuditEntryRef.implement({
  description: 'A change to a row, through this API or in SQL.',
  fields: (t) => ({
    occurredAt: t.expose('occurredAt', { type: 'DateTime', nullable: false }),
    operation: t.expose('operation', { type: AuditOperation, nullable: false }),
    actorId: t.expose('actorId', {
      type: 'UUID',
      description:
        'The person who made the change; null for agents and for SQL of trusted writers.',
    }),
    actor: linked(
      t,
      'UserProfile',
      'id',
      ({ actorId }) => actorId,
      'Null also for a person who is no longer a member of the workspace.',
    ),
    agentName: t.exposeString('agentName', { description: 'The agent that made the change.' }),
    agent: linked(t, 'Agent', 'agentName', ({ agentName }) => agentName, 'Null for people.'),
    changedColumns: t.stringList({
      nullable: false,
      description: 'The changed columns; all of them when the row was inserted or deleted.',
      resolve: ({ before, after }) => Object.keys(after ?? before ?? {}),
    }),
    before: t.field({
      type: 'JSON',
      description:
        'The changed columns before the change. Secrets are hidden, large values shortened.',
      resolve: ({ before }) => before,
    }),
    after: t.field({
      type: 'JSON',
      description: 'The changed columns after the change, in the same way.',
      resolve: ({ after }) => after,
    }),
  }),
});

type EntryFields = PothosSchemaTypes.ObjectFieldBuilder<Types, AuditEntry>;

function linked(
  t: EntryFields,
  model: 'UserProfile' | 'Agent',
  column: string,
  keyOf: (entry: AuditEntry) => string | null,
  description: string,
) {
  return t.field({
    type: rowRef(model),
    nullable: true,
    description,
    ...priced(foundRow),
    resolve: (entry, _args, context, info) => {
      const value = keyOf(entry);
      return value === null
        ? null
        : loadRow(context, model, column, value, selectionOf(context, info, model));
    },
  });
}

const AuditEntryEdge = builder.edgeObject({ name: 'AuditEntryEdge', type: AuditEntryRef });
const AuditEntryConnection = builder.connectionObject(
  { name: 'AuditEntryConnection', type: AuditEntryRef },
  AuditEntryEdge,
);

/** The field with the changes to a row and their authors. */
export function historyFields(t: AnyFields, model: string, shown: readonly string[]) {
  const key = modelOf(model).columns.workspaceId ? { id: true, workspaceId: true } : { id: true };
  return {
    history: t.field({
      type: AuditEntryConnection,
      nullable: false,
      description: `Changes to the row, newest first: ${limits.defaultPageSize} of them, at most ${limits.maxPageSize}. Kept for a year.`,
      args: { first: t.arg.int(), after: t.arg.string() },
      ...priced(lookedUpListPrice),
      select: key,
      resolve: (row, args: HistoryArguments, context) =>
        loadHistory(context, model, row, args, shown),
    }),
  };
}
