import { article, columnOf, modelOf, relationOf } from '../../resolvers/catalog.ts';
import { countKey } from '../../resolvers/loaders.ts';
import { type AnyInput, type AnyInputFields, inputType } from './any-model.ts';
import { columnType } from './columns.ts';
import { described } from './fields.ts';

/** Columns that no client sets: identity, tenant, author, and moments that the database keeps. */
const KEPT = new Set(['id', 'workspaceId', 'createdById', 'createdAt', 'updatedAt', 'joinedAt']);

/** The visible columns that a client may set. */
export function settableColumns(columns: readonly string[], readOnly: readonly string[] = []) {
  return columns.filter((column) => !KEPT.has(column) && !readOnly.includes(column));
}

const JsonPatchOperationInput = inputType('JSONPatchOperation', {
  description: 'Sets or removes one part of a JSON value.',
  fields: (t) => ({
    path: t.field({
      type: ['String'],
      required: true,
      description:
        'Names of keys, and positions in arrays as numbers in strings. Missing objects along the path are created.',
    }),
    set: t.field({ type: 'JSON', description: 'The value to set.' }),
    remove: t.field({ type: 'Boolean', description: 'True to remove the value.' }),
  }),
});

const JsonChangeInput = inputType('JSONChange', {
  description: 'Replaces a JSON value, or patches parts of the stored one.',
  isOneOf: true,
  fields: (t) => ({
    replace: t.field({ type: 'JSON', description: 'The whole new value.' }),
    patch: t.field({ type: [JsonPatchOperationInput], description: 'Operations, in order.' }),
  }),
});

function valueFields(
  t: AnyInputFields,
  model: string,
  columns: readonly string[],
  forUpdate: boolean,
) {
  return columns.map((name) => {
    const column = columnOf(model, name);
    const type = columnType(name, column);
    const json = type === 'JSON' && forUpdate;
    const field = t.field({
      type: json ? JsonChangeInput : column.isList ? [type] : type,
      required: !forUpdate && column.isRequired && !column.hasDefault && !column.isList,
      ...described(column.documentation),
    });
    return [name, field] as const;
  });
}

/** The input for a new row, and for rows of relations that are created along with it. */
export function createInput(
  model: string,
  columns: readonly string[],
  nested: readonly string[],
  columnsOf: (model: string) => readonly string[],
): AnyInput {
  return inputType(`${model}CreateInput`, {
    description: `A new ${model}. What is left out gets its default.`,
    fields: (t) => ({
      ...Object.fromEntries(valueFields(t, model, columns, false)),
      ...Object.fromEntries(
        nested.map((relation) => [
          relation,
          t.field({
            type: [nestedInput(model, relation, columnsOf)],
            description: `Created together with the ${model}, or not at all.`,
          }),
        ]),
      ),
    }),
  });
}

function nestedInput(
  model: string,
  relation: string,
  columnsOf: (model: string) => readonly string[],
): AnyInput {
  const { to } = relationOf(model, relation);
  const { columns } = countKey(model, relation);
  return inputType(`${to}In${model}Input`, {
    description: `A new ${to} of the ${model} that is created with it.`,
    fields: (t) =>
      Object.fromEntries(
        valueFields(
          t,
          to,
          columnsOf(to).filter((name) => !columns.includes(name)),
          false,
        ),
      ),
  });
}

/** The input for changes to a row. */
export function updateInput(model: string, columns: readonly string[]): AnyInput {
  return inputType(`${model}UpdateInput`, {
    description: `Changes to ${article(model)}. What is left out stays as it is; null clears.`,
    fields: (t) => Object.fromEntries(valueFields(t, model, columns, true)),
  });
}

/**
 * The id, if clients choose it, as for entries of a dictionary. Other ids are unique across all
 * workspaces, so choosing one would reveal whether another workspace has it.
 */
export function chosenIdOf(model: string): string[] {
  return columnOf(model, 'id').nativeType === 'Uuid' ? [] : ['id'];
}

/** The unique keys of a model within the workspace, each as the columns that a client names. */
export function uniqueKeysOf(model: string): string[][] {
  const keys = modelOf(model).uniqueKeys.map((key) => key.filter((name) => name !== 'workspaceId'));
  return [chosenIdOf(model), ...keys.filter((key) => key.join() !== 'id')].filter(
    (key) => key.length > 0,
  );
}

/** The input that names a row by a unique key. */
export function keyInput(model: string): AnyInput {
  const keys = uniqueKeysOf(model);
  return inputType(`${model}Key`, {
    description: `Names ${article(model)} by ${keys.length > 1 ? 'one of: ' : ''}${keys.map((key) => key.join(' and ')).join('; ')}.`,
    fields: (t) =>
      Object.fromEntries(
        [...new Set(keys.flat())].map((name) => [
          name,
          t.field({ type: columnType(name, columnOf(model, name)) }),
        ]),
      ),
  });
}
