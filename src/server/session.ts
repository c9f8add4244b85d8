import { type ExecutionArgs, getOperationAST } from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';
import type { Context } from '../context/context.ts';
import { GatewayError } from '../context/errors.ts';
import { runInSession, type SessionSettings } from '../context/session.ts';
import { needsSnapshot } from '../schema/model/live-cursor.ts';
import { executeMutation } from './mutations.ts';
import { isLiveStream } from './subscriptions/stream.ts';

const sessionOf = (args: ExecutionArgs) => (args.contextValue as Context).session;

/**
 * Runs each operation in its request's database session, and gives up those that take too long:
 * no further field is resolved then, and the client is told TIMEOUT.
 */
export function useSession(timeoutMs: number): Plugin {
  return {
    onExecute({ executeFn, setExecuteFn }) {
      setExecuteFn((args) =>
        runInSession(sessionOf(args), () =>
          withDeadline(timeoutMs, (limited) => executeOperation(executeFn, limited), args),
        ),
      );
    },
    onSubscribe({ subscribeFn, setSubscribeFn }) {
      setSubscribeFn(async (args) => {
        const session = sessionOf(args);
        const result: unknown = await runInSession(session, () => subscribeFn(args));
        // A live stream is executed for its group, in the group's session.
        if (isLiveStream(result) || !isAsyncIterable(result)) return result;
        return eventsInSession(session, result);
      });
    },
  };
}

type LimitedArgs = ExecutionArgs & { signal: AbortSignal };

async function executeOperation(
  execute: (args: LimitedArgs) => unknown,
  args: LimitedArgs,
): Promise<unknown> {
  const operation = getOperationAST(args.document, args.operationName)?.operation;
  if (operation === 'mutation') return executeMutation(execute, args);
  // One that tells its place in the change log reads nothing from before or after it.
  if (!needsSnapshot(args.document, args.operationName)) return execute(args);
  const { database } = args.contextValue as Context;
  return database.inSnapshot(async () => execute(args));
}

async function withDeadline(
  timeoutMs: number,
  execute: (args: LimitedArgs) => unknown,
  args: ExecutionArgs,
): Promise<unknown> {
  const deadline = new AbortController();
  const timer = setTimeout(() => {
    deadline.abort(
      new GatewayError(
        'TIMEOUT',
        `The request took longer than ${timeoutMs / 1000} seconds and was given up. Ask for less at a time.`,
        { status: 504 },
      ),
    );
  }, timeoutMs);
  try {
    return await execute({ ...args, signal: deadline.signal });
  } finally {
    clearTimeout(timer);
  }
}

/** Each event is resolved when it is asked for, by which time the session has been left. */
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
