import { type ExecutionArgs, type ExecutionResult, GraphQLError, getOperationAST } from 'graphql';
import type { ServerOptions, SubscribePayload } from 'graphql-ws';
import { isAsyncIterable, mapAsyncIterator, type YogaServerInstance } from 'graphql-yoga';
import type { Authenticate } from '../../context/authentication.ts';
import type { Context } from '../../context/context.ts';
import { GatewayError } from '../../context/errors.ts';
import { IDEMPOTENCY_HEADER } from '../../context/idempotency.ts';
import { holderOf, type Quotas, workspaceHolder } from '../../context/quotas.ts';
import { RequestInFlight } from '../../context/request-in-flight.ts';
import { WORKSPACE_HEADER } from '../../context/workspace.ts';
import { isResultStream } from '../../subscriptions/result-stream.ts';
import { withoutHttp } from '../../subscriptions/without-http.ts';
import { assertDocumentLength } from '../operation-limits.ts';
import { assertDocumentSent } from '../persisted-queries.ts';
import type { Credentials, ServerContext } from '../server-context.ts';
import type { WebSocketConnection } from './websocket-connection.ts';
import {
  LiveSubscription,
  never,
  PendingOperation,
  PulledSubscription,
} from './websocket-stream.ts';

/** Operations that a socket runs or streams at a time. */
export const MAX_OPERATIONS = 100;
/** Identifiers are kept for as long as their operations, and sent along with each result. */
const MAX_ID_LENGTH = 256;
const INIT_TIMEOUT_MS = 3_000;

export interface WebSocketProtocolOptions {
  yoga: Pick<YogaServerInstance<ServerContext, Context>, 'getEnveloped'>;
  authenticate: Authenticate;
  maskError: (error: unknown) => GraphQLError;
  quotas: Quotas;
}

/** What graphql-ws keeps with a socket. */
export interface SocketExtra {
  connection: WebSocketConnection;
  /** The headers of the request that opened the socket; null once it has signed in. */
  headers: Headers | null;
  /** Called once its token is verified. */
  identified(): void;
}

type Headers = Readonly<Record<string, unknown>>;
type Run = () => Promise<AsyncIterable<ExecutionResult> | ExecutionResult>;
type Protocol = ServerOptions<Record<string, unknown>, SocketExtra>;

/**
 * The protocol graphql-transport-ws over Yoga's own parsing, validation and execution. A socket
 * belongs to one person or agent, in one workspace, from `connection_init` to its end.
 */
export function createWebSocketProtocol(options: WebSocketProtocolOptions): Protocol {
  const { yoga, authenticate, maskError, quotas } = options;

  const prepare = async (
    connection: WebSocketConnection,
    id: string,
    { query, variables, operationName, extensions }: SubscribePayload,
    pending: PendingOperation,
    inFlight: RequestInFlight,
  ): Promise<ExecutionArgs | readonly GraphQLError[]> => {
    assertDocumentSent({ query, extensions });
    assertDocumentLength(query);
    const params = { query, variables, operationName, extensions };
    const idempotencyHeader = readHeader(IDEMPOTENCY_HEADER, extensions);
    const credentials = { ...connection.credentials, idempotencyHeader };
    const { schema, parse, validate, contextFactory, ...enveloped } = yoga.getEnveloped({
      params,
      ...credentials,
      inFlight,
      work: pending.work,
    });
    const document = parsed(parse, query);
    const errors = validate(schema, document);
    if (errors.length > 0) return errors.map(withoutHttp);
    const operation = getOperationAST(document, operationName)?.operation;
    if (!operation) {
      throw new GraphQLError('Could not determine what operation to execute.', {
        extensions: { code: 'OPERATION_RESOLUTION_FAILURE' },
      });
    }
    const args: ExecutionArgs = {
      schema,
      document,
      operationName,
      variableValues: variables,
      contextValue: await contextFactory(),
    };
    const execute = operation === 'subscription' ? enveloped.subscribe : enveloped.execute;
    const run: Run = async () => {
      const result = await answer(() => execute(args));
      const stream = streamOf(connection, id, result);
      if (stream || pending.isOver) connection.executed();
      if (pending.isOver) stream?.end();
      else if (stream) connection.add(stream);
      if (pending.isOver) return never();
      return stream ?? shown(result as ExecutionResult);
    };
    return { schema, document, operationName, contextValue: run };
  };

  const answer = async (execute: () => unknown): Promise<unknown> => {
    try {
      return await execute();
    } catch (error) {
      return { errors: [maskError(error)] };
    }
  };

  return {
    connectionInitWaitTimeout: INIT_TIMEOUT_MS,

    async onConnect(socket) {
      const { connectionParams, extra } = socket;
      const { connection, headers } = extra;
      const sent = [connectionParams, connectionParams?.headers, headers];
      extra.headers = null;
      // Tokens are long, and graphql-ws would keep them.
      Object.assign(socket, { connectionParams: undefined });
      const identity = await authenticate(readHeader('authorization', ...sent));
      extra.identified();
      const release = quotas.take('sockets', [holderOf(identity)]);
      const credentials: Credentials = {
        identity,
        workspaceHeader: readHeader(WORKSPACE_HEADER, ...sent),
        idempotencyHeader: null,
      };
      try {
        const { workspace } = await yoga
          .getEnveloped({ params: {}, ...credentials })
          .contextFactory();
        if (workspace) connection.hold(quotas.take('sockets', [workspaceHolder(workspace.id)]));
        connection.admit(credentials);
      } finally {
        // Not earlier: the client may have left while its memberships were read.
        connection.hold(release);
      }
    },

    async onSubscribe({ extra: { connection }, subscriptions }, id, payload) {
      if (id.length > MAX_ID_LENGTH) {
        throw new GatewayError('BAD_USER_INPUT', `Ids have at most ${MAX_ID_LENGTH} characters.`);
      }
      const pending = new PendingOperation();
      let prepared: ExecutionArgs | readonly GraphQLError[];
      try {
        if (connection.operations >= MAX_OPERATIONS) throw tooMany();
        const inFlight = new RequestInFlight(quotas);
        if (connection.credentials) inFlight.begin(connection.credentials.identity);
        connection.begin(inFlight);
        subscriptions[id] = pending;
        prepared = await prepare(connection, id, payload, pending, inFlight);
      } catch (error) {
        prepared = [withoutHttp(maskError(error))];
      }
      // graphql-ws keeps messages as long as their operations stream.
      Object.assign(payload, { query: '', variables: null, extensions: null });
      if (!pending.isOver) return prepared;
      connection.executed();
      return never();
    },

    execute: runOnce,
    subscribe: runOnce,

    onError: (_socket, _id, _payload, errors) =>
      errors.map((error) => withoutHttp(maskError(error)).toJSON()),
  };
}

function runOnce(args: ExecutionArgs): ReturnType<Run> {
  const run = args.contextValue as Run;
  // graphql-ws keeps arguments as long as their operations stream.
  args.contextValue = null;
  return run();
}

function streamOf(connection: WebSocketConnection, id: string, result: unknown) {
  if (isResultStream(result)) return new LiveSubscription(connection, id, result);
  if (!isAsyncIterable<ExecutionResult>(result)) return null;
  return new PulledSubscription(connection, mapAsyncIterator(result, shown));
}

function parsed(parse: (text: string) => ExecutionArgs['document'], text: string) {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof GraphQLError) error.extensions.code ??= 'GRAPHQL_PARSE_FAILED';
    throw error;
  }
}

/** Returns the value of a header from the first of these that has it. Case is ignored. */
function readHeader(name: string, ...places: unknown[]): string | null {
  for (const place of places) {
    for (const [key, value] of Object.entries(Object(place))) {
      if (key.toLowerCase() !== name || value === null || value === undefined) continue;
      return typeof value === 'string' ? value : JSON.stringify(value);
    }
  }
  return null;
}

function tooMany(): GatewayError {
  return new GatewayError(
    'TOO_MANY_SUBSCRIPTIONS',
    `A socket runs at most ${MAX_OPERATIONS} operations at a time. End some, or open another socket.`,
  );
}

function shown(result: ExecutionResult): ExecutionResult {
  return result.errors ? { ...result, errors: result.errors.map(withoutHttp) } : result;
}
