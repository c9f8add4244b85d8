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
import type { Batch } from '../realtime/feed.ts';
import { ChangeEvent } from '../realtime/source.ts';
import { type Audience, contextOf } from './group-audience.ts';
import { Payload } from './result-stream.ts';
import { withoutHttp } from './without-http.ts';

/** Changes that are executed side by side, so that their look-ups share statements. */
const CHANGES_AT_ONCE = 100;
/** How long the database may fail before clients are told to come back later. */
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
 * Returns the results of a subscription for the changes of a batch, in order, less those that tell
 * nothing. Rejects when the database goes on failing: what it fails to read is told to nobody as read.
 * What is left when `unwanted` says so is not read.
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

/** Runs `attempt` again while it fails for what may pass; rejects with its error in the end. */
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
 * Returns the result of a query, in part if `unwanted` says so meanwhile. Rejects when the database
 * stays out of reach.
 */
export function executeQuery(
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
      // A client that is told of an error instead of a change goes on behind it, and never has it.
      if (!result.data) throwIf(PASSING, result);
      const told = printJson(answerOf(executor, result));
      payloads.push(new Payload(told, cursor, change.occurredAt));
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

/** Throws where the database was out of reach. */
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
