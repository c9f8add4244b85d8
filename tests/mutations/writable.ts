import { type GraphQLObjectType, isInputObjectType, isNonNullType } from 'graphql';
import { type Column, catalog } from '../../src/generated/catalog.ts';
import { models } from '../../src/models/index.ts';
import { schema } from '../../src/schema/index.ts';
import { type Case, cases } from '../contract/cases.ts';

export type Operation = 'create' | 'update' | 'upsert' | 'delete';

/** A table that clients write, from the printed schema. */
export interface Writable extends Case {
  /** The plural in the names of bulk mutations. */
  plural: string;
  operations: readonly Operation[];
  /** Fields of the inputs that are columns. */
  createFields: readonly string[];
  updateFields: readonly string[];
  /** Fields of the create input that must be given. */
  requiredFields: readonly string[];
  /** Relations whose rows are created together with it. */
  nested: readonly string[];
  /** The fields by which an upsert finds its row. */
  keyFields: readonly string[];
  /** The column with a state machine. */
  status: string | undefined;
  /** Whether only trusted writers write it. */
  isShared: boolean;
}

/** Tables with one row for each workspace. */
export const SINGLE: readonly string[] = ['GlobalStrategy', 'MetaLearnerState'];

export const mutationFields = (schema.getMutationType() as GraphQLObjectType).getFields();

function inputFields(name: string) {
  const type = schema.getType(name);
  return isInputObjectType(type) ? Object.values(type.getFields()) : [];
}

/** Every table that clients write. */
export const writables: readonly Writable[] = cases
  .map((shown): Writable => {
    const { name, root } = shown;
    const columns = new Set(shown.columns.map(([column]) => column));
    const creates = inputFields(`${name}CreateInput`);
    return {
      ...shown,
      plural: root.charAt(0).toUpperCase() + root.slice(1),
      operations: (['create', 'update', 'upsert', 'delete'] as const).filter(
        (operation) =>
          `${operation}${name}` in mutationFields &&
          // A workspace is created by a function of the database, which has other arguments.
          (operation !== 'create' || creates.length > 0),
      ),
      createFields: creates.map((field) => field.name).filter((field) => columns.has(field)),
      updateFields: inputFields(`${name}UpdateInput`).map((field) => field.name),
      requiredFields: creates.filter(({ type }) => isNonNullType(type)).map((field) => field.name),
      nested: creates.map((field) => field.name).filter((field) => !columns.has(field)),
      keyFields: inputFields(`${name}Key`).map((field) => field.name),
      status: models.get(name)?.stateMachine,
      isShared: models.get(name)?.global === true,
    };
  })
  .filter(({ operations }) => operations.length > 0);

/** Returns the writable of a model. Throws TypeError for one that clients do not write. */
export function writableOf(name: string): Writable {
  const found = writables.find((each) => each.name === name);
  if (!found) throw new TypeError(`Clients do not write ${name}`);
  return found;
}

/** Returns a column of a table. Throws TypeError for an unknown one. */
export function columnOf({ name, columns }: Writable, column: string): Column {
  const found = columns.find(([each]) => each === column)?.[1];
  if (!found) throw new TypeError(`${name} has no column ${column}`);
  return found;
}

/** Returns tables with their names, for the titles of tests. */
export function named(list: readonly Writable[]): [string, Writable][] {
  return list.map((writable) => [writable.name, writable]);
}

/** Returns those with an operation, with their names, for the titles of tests. */
export function writing(operation: Operation): [string, Writable][] {
  return named(writables.filter(({ operations }) => operations.includes(operation)));
}

/** Returns tables in an order in which referring tables come before those that they refer to. */
export function childrenFirst(list: readonly Writable[]): Writable[] {
  const ordered: Writable[] = [];
  const visited = new Set<string>();
  const visit = (name: string) => {
    if (visited.has(name)) return;
    visited.add(name);
    for (const { to, columns } of Object.values(catalog.models[name]?.relations ?? {})) {
      if (columns.length > 0) visit(to);
    }
    ordered.unshift(...list.filter((each) => each.name === name));
  };
  for (const { name } of list) visit(name);
  return ordered;
}
