import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DocumentNode, execute, type GraphQLError, type GraphQLSchema } from 'graphql';
import type { Database } from '../../context/database/client.ts';
import { databaseError } from '../../context/database/errors.ts';
import { runInSession } from '../../context/session.ts';
import type { Change } from '../../realtime/change.ts';
import type { Batch } from '../../realtime/feed.ts';
import { ChangeEvent } from '../../realtime/source.ts';
import { runAsRequest } from '../request-id.ts';
import { type Audience, contextOf } from './audience.ts';
import { Payload } from './stream.ts';

/** Changes that are executed side by side, so that their look-ups share statements. */
const CHANGES_AT_ONCE = 100;
/** How long the database may be out of reach before clients are told to come back later. */
const PATIENCE_MS = 15_000;
const RETRY_MS = [50, 100, 200, 500];

export interface Operation {
  document: DocumentNode;
  operationName: string | undefined;
  variableValues: Readonly<Record<string, unknown>>;
}

export interface Executor {
  schema: GraphQLSchema;
  database: Database;
  /** Returns the cursor behind a change, for the members of a workspace. */
  cursorAfter(batch: Batch, change: Change, audience: Audience): string;
  maskError(error: unknown): GraphQLError;
}

/**
 * Returns the results of a subscription for the changes of a batch, in order, less those that tell
 * nothing. Rejects when the database stays out of reach.
 */
export async function executeBatch(
  executor: Executor,
  audience: Audience,
  operation: Operation,
  batch: Batch,
): Promise<Payload[]> {
  const payloads: Payload[] = [];
  for (let i = 0; i < batch.changes.length; i += CHANGES_AT_ONCE) {
    const changes = batch.changes.slice(i, i + CHANGES_AT_ONCE);
    const run = () => executeChanges(executor, audience, operation, batch, changes);
    payloads.push(...(await patiently(run)));
  }
  return payloads;
}

/** Runs `attempt` again while the database is out of reach; rejects with its error in the end. */
export async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isUnavailable(error) || Date.now() > deadline) throw error;
      await sleep(RETRY_MS[Math.min(tries, RETRY_MS.length - 1)]);
    }
  }
}

async function executeChanges(
  { schema, database, cursorAfter, maskError }: Executor,
  audience: Audience,
  { document, operationName, variableValues }: Operation,
  batch: Batch,
  changes: readonly Change[],
): Promise<Payload[]> {
  const requestId = randomUUID();
  // One context for all, since look-ups of one context are batched, and for no longer: it remembers.
  const contextValue = contextOf(audience, requestId, database);
  const executions = changes.map((change) => {
    const event = new ChangeEvent(change, cursorAfter(batch, change, audience));
    const run = async () =>
      execute({ schema, document, rootValue: event, contextValue, variableValues, operationName });
    return { event, run };
  });
  return runAsRequest(requestId, async () => {
    const results = await runInSession(audience.session, () =>
      Promise.all(executions.map(({ run }) => run())),
    );
    const payloads: Payload[] = [];
    for (const [i, { errors, ...result }] of results.entries()) {
      const { event } = executions[i] as (typeof executions)[number];
      if (event.skipped) continue;
      const lost = errors?.find(({ originalError }) => isUnavailable(originalError));
      if (lost) throw lost.originalError;
      const told = errors ? { errors: errors.map(maskError), ...result } : result;
      payloads.push(new Payload(JSON.stringify(told), event.cursor, event.change.occurredAt));
    }
    return payloads;
  });
}

function isUnavailable(error: unknown): boolean {
  return databaseError(error)?.kind === 'unavailable';
}
