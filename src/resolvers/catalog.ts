import { type Column, catalog, type Model, type Relation } from '../generated/catalog.ts';

/** Returns what Prisma knows of a model. Throws TypeError for an unknown one. */
export function modelOf(name: string): Model {
  const model = catalog.models[name];
  if (!model) throw new TypeError(`There is no model ${name}`);
  return model;
}

/** Returns a column of a model. Throws TypeError for an unknown one. */
export function columnOf(model: string, name: string): Column {
  const column = modelOf(model).columns[name];
  if (!column) throw new TypeError(`${model} has no column ${name}`);
  return column;
}

/** Returns a relation of a model. Throws TypeError for an unknown one. */
export function relationOf(model: string, name: string): Relation {
  const relation = modelOf(model).relations[name];
  if (!relation) throw new TypeError(`${model} has no relation ${name}`);
  return relation;
}

/** Returns a model's name with its article: `a Move`, `an Asset`. */
export function article(model: string): string {
  return `${/^([AEIO]|U(?![sA-Z]))/.test(model) ? 'an' : 'a'} ${model}`;
}
