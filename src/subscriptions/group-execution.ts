import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type DocumentNode,
  type ExecutionResult,
  execute,
  type FormattedExecutionResult,
  type GraphQLError,
  type GraphQLSchema,
} from 'graphql';
import type { Database } from '../context/database/client.ts';
import { type DatabaseErrorKind, databaseError } from '../context/database/database-errors.ts';
import { printJson } from '../context/exact-json.ts';
import { runAsRequest } from '../context/request-id.ts';
import type { Seal } from '../context/seal.ts';
import { runInSession } from '../context/session.ts';
import { Stop } from '../context/stop.ts';
import { Work, WorkStoppedError } from '../context/work.ts';
import type { Change } from '../realtime/change.ts';
import { ChangeEvent } from '../realtime/change-source.ts';
import type { Batch } from '../realtime/feed.ts';
import { type Audience, contextOf } from './group-audience.ts';
import { Payload } from './result-stream.ts';
import { withoutHttp } from './without-http.ts';

/** Changes that are executed side by side, so that their look-ups share statements. */
const CHANGES_AT_ONCE = 100;
/** How long the database may fail before clients have to reconnect later. */
const PATIENCE_MS = 15_000;
/** Failures after which the same may succeed. */
const PASSING: readonly DatabaseErrorKind[] = ['unavailable', 'timeout', 'serialization'];
const RETRY_MS = [50, 100, 200, 500];

export interface Operation {
  document: DocumentNode;
  operationName: string | undefined;
  variableValues: Readonly<Record<string, unknown>>;
}

export interface Executor {
  schema: GraphQLSchema;
  database: Database;
  seal: Seal;
  /** Returns the cursor behind a change, for the members of a workspace; made once. */
  cursorAfter(batch: Batch, change: Change, audience: Audience): string;
  maskError(error: unknown): GraphQLError;
}

/**
 * Returns the results of a subscription for the changes of a batch, in order, without the skipped
 * ones. Rejects when the database keeps failing, so that no change counts as delivered unread.
 * Stops reading when `unwanted` stops.
 */
export async function executeBatch(
  executor: Executor,
  audience: Audience,
  operation: Operation,
  batch: Batch,
  unwanted = new Stop(),
): Promise<Payload[]> {
  const payloads: Payload[] = [];
  for (let i = 0; i < batch.changes.length && !unwanted.reason; i += CHANGES_AT_ONCE) {
    const changes = batch.changes.slice(i, i + CHANGES_AT_ONCE);
    const run = () => executeChanges(executor, audience, operation, batch, changes, unwanted);
    payloads.push(...(await patiently(run)));
  }
  return payloads;
}

/** Repeats `attempt` while it fails with a temporary error; rejects with its error in the end. */
export async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isOf(PASSING, error) || Date.now() > deadline) throw error;
      await sleep(RETRY_MS[Math.min(tries, RETRY_MS.length - 1)]);
    }
  }
}

/**
 * Returns the result of a query, a part of it if `unwanted` stops meanwhile. Rejects when the database
 * stays unreachable.
 */
export function executeLiveQuery(
  executor: Executor,
  audience: Audience,
  operation: Operation,
  unwanted = new Stop(),
): Promise<FormattedExecutionResult> {
  return patiently(() =>
    executeAll(executor, audience, operation, [undefined], unwanted, ([result]) =>
      answerOf(executor, result as ExecutionResult),
    ),
  );
}

async function executeChanges(
  executor: Executor,
  audience: Audience,
  operation: Operation,
  batch: Batch,
  changes: readonly Change[],
  unwanted: Stop,
): Promise<Payload[]> {
  const cursorAfter = (change: Change) => executor.cursorAfter(batch, change, audience);
  const events = changes.map((change) => new ChangeEvent(change, cursorAfter));
  // The look-up is under way by then, and cursors are made while the database answers.
  setImmediate(() => changes.forEach(cursorAfter));
  return executeAll(executor, audience, operation, events, unwanted, (results) => {
    const payloads: Payload[] = [];
    for (const [i, result] of results.entries()) {
      const { skipped, cursor, change } = events[i] as ChangeEvent;
      if (skipped) continue;
      // A client that gets an error instead of a change resumes after it, and never gets the change.
      if (!result.data) throwIf(PASSING, result);
      const json = printJson(answerOf(executor, result));
      payloads.push(new Payload(json, cursor, change.occurredAt));
    }
    return payloads;
  });
}

/** Executes an operation for each of these root values, side by side, as a request of its own. */
async function executeAll<T>(
  { schema, database, seal }: Executor,
  audience: Audience,
  { document, operationName, variableValues }: Operation,
  rootValues: readonly unknown[],
  unwanted: Stop,
  read: (results: ExecutionResult[]) => T,
): Promise<T> {
  const requestId = randomUUID();
  // One context for all, since look-ups of one context are batched, and for no longer: it remembers.
  const contextValue = contextOf(audience, requestId, { database, seal });
  const run = async (rootValue: unknown) =>
    execute({ schema, document, rootValue, contextValue, variableValues, operationName });
  const work = new Work(rootValues.length);
  const unlisten = unwanted.listen(() => work.leave());
  const runAll = () => Promise.all(rootValues.map(run));
  try {
    return await runAsRequest(requestId, async () =>
      read(await runInSession(audience.session, runAll, work)),
    );
  } finally {
    unlisten();
    work.leave();
  }
}

/** Throws if the database was unreachable. */
function answerOf({ maskError }: Executor, result: ExecutionResult): FormattedExecutionResult {
  throwIf(['unavailable'], result);
  const { errors, ...rest } = result;
  return errors
    ? { errors: errors.map((error) => withoutHttp(maskError(error)).toJSON()), ...rest }
    : rest;
}

/** Throws what the database said, where it failed in one of these ways. */
function throwIf(kinds: readonly DatabaseErrorKind[], { errors = [] }: ExecutionResult): void {
  const failed = errors.find(({ originalError }) => isOf(kinds, originalError));
  if (failed) throw failed.originalError;
}

function isOf(kinds: readonly DatabaseErrorKind[], error: unknown): boolean {
  const isLimit = error instanceof WorkStoppedError && error.reason.code === 'TIMEOUT';
  const kind = isLimit ? 'timeout' : databaseError(error)?.kind;
  return kind !== undefined && kinds.includes(kind);
}
