import type { Context } from '../context/context.ts';
import { GatewayError } from '../context/errors.ts';
import { requireWorkspace } from '../context/workspace.ts';
import { lookupOf } from '../models/descriptor.ts';
import { modelOf } from './catalog.ts';
import { valueProblem } from './value-problem.ts';

/** The part of Prisma's model API that is the same for every model. */
interface Delegate {
  findMany(args: object): Promise<Row[]>;
  findFirst(args: object): Promise<Row | null>;
  findUnique(args: object): Promise<Row | null>;
  count(args: object): Promise<number>;
  groupBy(args: object): Promise<(Row & { _count: { _all: number } })[]>;
  createMany(args: object): Promise<{ count: number }>;
  createManyAndReturn(args: object): Promise<Row[]>;
  updateMany(args: object): Promise<{ count: number }>;
  deleteMany(args: object): Promise<{ count: number }>;
}

export type Row = Record<string, unknown>;

/** Prisma's API of a model that is known by its name only, in a client or a transaction. */
export function delegateIn(client: object, model: string): Delegate {
  return (client as Record<string, Delegate>)[lookupOf(model)] as Delegate;
}

/** Prisma's API of a model in the request's session. */
export function delegateOf({ database }: Context, model: string): Delegate {
  return delegateIn(database.prisma, model);
}

/** Models whose rows people may see without being in the workspace. */
const SEEN_ANYWHERE: ReadonlySet<string> = new Set(['Invitation']);

/** Whether a model's rows are only visible in a current workspace. */
export function needsWorkspace(model: string): boolean {
  return !SEEN_ANYWHERE.has(model) && (modelOf(model).columns.workspaceId?.isRequired ?? false);
}

/**
 * Throws WORKSPACE_REQUIRED when the model's rows belong to a workspace and the request has none.
 * The database would return no rows, which looks like an empty workspace.
 */
export function requireScope(context: Context, model: string): void {
  if (needsWorkspace(model)) requireWorkspace(context);
}

/**
 * Returns a row by its id, null when there is none that the viewer may see. Throws BAD_USER_INPUT for
 * an id that no row can have.
 */
export function getRow(context: Context, model: string, id: unknown, selection: object) {
  requireScope(context, model);
  const problem = valueProblem(id);
  if (problem) throw new GatewayError('BAD_USER_INPUT', problem, { argument: 'id' });
  return delegateOf(context, model).findUnique({ ...selection, where: { id } });
}

/** Returns how many rows of a model match a filter. */
export function countRows(context: Context, model: string, where: object): Promise<number> {
  requireScope(context, model);
  return delegateOf(context, model).count({ where });
}
