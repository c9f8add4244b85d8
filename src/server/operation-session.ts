import { type ExecutionArgs, getOperationAST } from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';
import type { Context } from '../context/context.ts';
import { GatewayError } from '../context/errors.ts';
import { runInSession, type SessionSettings } from '../context/session.ts';
import { Work } from '../context/work.ts';
import { needsSnapshot } from '../schema/model/live-cursor-field.ts';
import { isResultStream } from '../subscriptions/result-stream.ts';
import type { Accelerators } from './accelerators.ts';
import { executeQuery } from './compiled-reads.ts';
import { executeMutation } from './mutation-execution.ts';
import type { RootFieldWays, Way } from './root-field-ways.ts';
import { operationOf, rootFields } from './root-fields.ts';
import type { ServerContext } from './server-context.ts';

const sessionOf = (args: ExecutionArgs) => (args.contextValue as Context).session;
const workOf = (args: ExecutionArgs) => (args.contextValue as ServerContext).work ?? new Work();

/**
 * Runs each operation in its request's database session. Its work stops when the client leaves,
 * when it takes too long (with the error TIMEOUT), and once it has been answered.
 */
export function useSession({ timeoutMs, accelerators, ways }: SessionOptions): Plugin {
  return {
    onExecute({ executeFn, setExecuteFn }) {
      setExecuteFn(async (args) => {
        const work = workOf(args);
        const timer = setTimeout(() => work.stop(tookTooLong(timeoutMs)), timeoutMs);
        try {
          const run = () => executeOperation(executeFn, args, work, accelerators, ways);
          return await runInSession(sessionOf(args), run, work);
        } finally {
          clearTimeout(timer);
          // After an error, fields that are no longer part of the answer may still be reading.
          work.leave();
        }
      });
    },
    onSubscribe({ subscribeFn, setSubscribeFn }) {
      setSubscribeFn(async (args) => {
        const session = sessionOf(args);
        const result: unknown = await runInSession(session, () => subscribeFn(args), workOf(args));
        // A result stream is executed for its group, in the group's session.
        if (isResultStream(result) || !isAsyncIterable(result)) return result;
        return eventsInSession(session, result);
      });
    },
  };
}

export interface SessionOptions {
  /** How long an operation may take, in milliseconds. */
  timeoutMs: number;
  accelerators: Accelerators | null;
  ways: RootFieldWays;
}

type LimitedArgs = ExecutionArgs & { signal: AbortSignal };

async function executeOperation(
  execute: (args: LimitedArgs) => unknown,
  args: ExecutionArgs,
  { reading, writing }: Work,
  accelerators: Accelerators | null,
  ways: RootFieldWays,
): Promise<unknown> {
  const { document, operationName, contextValue } = args;
  const isMutation = getOperationAST(document, operationName)?.operation === 'mutation';
  const limit = new AbortController();
  const limited = { ...args, signal: limit.signal };
  // A field of a mutation that has begun is finished, even if its client leaves.
  const stop = isMutation ? writing : reading;
  const unlisten = stop.listen((reason) => limit.abort(reason));
  let compiled: readonly string[] = [];
  const onCompiled = (names: readonly string[]) => {
    compiled = names;
  };
  try {
    if (isMutation) {
      return await executeMutation(accelerators?.writer ?? null, execute, limited, onCompiled);
    }
    // An operation with a live cursor reads everything in the snapshot of that cursor.
    const run = () => executeQuery(accelerators?.reader ?? null, execute, limited, onCompiled);
    if (!needsSnapshot(document, operationName)) return await run();
    const { database } = contextValue as Context;
    return await database.inSnapshot(run);
  } finally {
    unlisten();
    ways.record(waysOf(args, compiled), (contextValue as ServerContext).response);
  }
}

/** Returns how the root fields of an operation were answered, of which these were compiled. */
function waysOf(args: ExecutionArgs, compiled: readonly string[]): Map<string, Way> {
  const { schema, document, operationName, variableValues = {} } = args;
  const definition = getOperationAST(document, operationName);
  if (!definition) return new Map();
  const fields = rootFields(schema, operationOf(document, definition), variableValues ?? {});
  return new Map(
    [...fields.keys()].map((name) => [name, compiled.includes(name) ? 'compiled' : 'executed']),
  );
}

/** The error of a request that took too long. */
export function tookTooLong(timeoutMs: number): GatewayError {
  return new GatewayError(
    'TIMEOUT',
    `The request took longer than ${timeoutMs / 1000} seconds and was cancelled. Ask for less at a time.`,
    { status: 504 },
  );
}

/** Each event is resolved when it is pulled, which is outside the session by then. */
function eventsInSession<T>(session: SessionSettings, events: AsyncIterable<T>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = events[Symbol.asyncIterator]();
      const finish = iterator.return?.bind(iterator);
      return {
        next: () => runInSession(session, () => iterator.next()),
        ...(finish ? { return: () => runInSession(session, () => finish()) } : {}),
      };
    },
  };
}
