import type { Context } from '../context/context.ts';
import type { WriteOperation } from '../models/descriptor.ts';
import { models } from '../models/index.ts';
import { mayRead, writeRefusal } from '../resolvers/permissions.ts';
import { needsWorkspace } from '../resolvers/rows.ts';
import { builder } from './builder.ts';
import { priced } from './cost/price.ts';
import { knownRows } from './cost/row-prices.ts';
import { functions } from './model/function-mutation.ts';
import { Viewer } from './viewer.ts';

type Permission = Record<'read' | WriteOperation, boolean> & { type: string; functions: string[] };

const ALL: readonly WriteOperation[] = ['create', 'update', 'delete'];

function permissionsOf(context: Context): Permission[] {
  const types = new Set([...models.keys(), ...functions.map(({ model }) => model)]);
  return [...types].map((name) => {
    const writes = models.get(name)?.writes;
    const operations = writes ? (writes.operations ?? ALL) : [];
    const may = (operation: WriteOperation) =>
      operations.includes(operation) && mayWrite(context, name);
    return {
      type: name,
      read:
        isPlaced(context, name) && mayRead(name, context.viewer, context.workspace?.role ?? null),
      create: may('create'),
      update: may('update'),
      delete: may('delete'),
      functions: functions
        .filter(({ model, writersOf }) => model === name && mayWrite(context, writersOf))
        .map((each) => each.name),
    };
  });
}

function mayWrite(context: Context, model: string): boolean {
  return isPlaced(context, model) && writeRefusal(context, model) === undefined;
}

function isPlaced({ workspace }: Context, model: string): boolean {
  return workspace !== null || !needsWorkspace(model);
}

const PermissionRef = builder.objectRef<Permission>('Permission').implement({
  description:
    'What the viewer may do with the rows of a type in the current workspace; the database decides about each row.',
  fields: (t) => ({
    type: t.exposeString('type', { nullable: false, description: 'As in __typename.' }),
    read: t.exposeBoolean('read', {
      nullable: false,
      description: 'Whether the viewer may read rows at all: billing is for Owners only.',
    }),
    create: t.exposeBoolean('create', { nullable: false }),
    update: t.exposeBoolean('update', { nullable: false }),
    delete: t.exposeBoolean('delete', { nullable: false }),
    functions: t.exposeStringList('functions', {
      nullable: false,
      description: 'Other mutations of the type that the viewer may call, by name.',
    }),
  }),
});

builder.objectField(Viewer, 'permissions', (t) =>
  t.field({
    type: [PermissionRef],
    ...priced(knownRows(models.size)),
    nullable: false,
    description:
      'One entry for each type, so that a client can hide actions that would be refused.',
    resolve: (_viewer, _args, context) => permissionsOf(context),
  }),
);
