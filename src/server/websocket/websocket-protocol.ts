import { type ExecutionArgs, type ExecutionResult, GraphQLError, getOperationAST } from 'graphql';
import type { ServerOptions, Context as SocketConnection, SubscribePayload } from 'graphql-ws';
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
import { never, PendingOperation, PulledOperation, StreamedOperation } from './websocket-stream.ts';

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
type Params = Record<string, unknown>;
type Protocol = ServerOptions<Params, SocketExtra>;
type SocketContext = SocketConnection<Params, SocketExtra>;

/** An operation that a socket has begun. */
interface Begun {
  connection: WebSocketConnection;
  id: string;
  pending: PendingOperation;
  inFlight: RequestInFlight;
}

/**
 * The protocol graphql-transport-ws over Yoga's own parsing, validation and execution. A socket
 * belongs to one person or agent, in one workspace, from `connection_init` to its end.
 */
export function createWebSocketProtocol(options: WebSocketProtocolOptions): Protocol {
  return {
    connectionInitWaitTimeout: INIT_TIMEOUT_MS,
    onConnect: (socket) => signIn(options, socket),
    onSubscribe: ({ extra, subscriptions }, id, payload) =>
      begin(options, extra.connection, subscriptions, id, payload),
    execute: runOnce,
    subscribe: runOnce,
    onError: (_socket, _id, _payload, errors) =>
      errors.map((error) => withoutHttp(options.maskError(error)).toJSON()),
  };
}

/** Signs a socket in with the token of its first message or of the request that opened it. */
async function signIn(
  { yoga, authenticate, quotas }: WebSocketProtocolOptions,
  socket: SocketContext,
): Promise<void> {
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
    const { workspace } = await yoga.getEnveloped({ params: {}, ...credentials }).contextFactory();
    if (workspace) connection.hold(quotas.take('sockets', [workspaceHolder(workspace.id)]));
    connection.signIn(credentials);
  } finally {
    // Not earlier: the client may have left while its memberships were read.
    connection.hold(release);
  }
}

/** Begins an operation of a socket. Returns its arguments or its errors. */
async function begin(
  options: WebSocketProtocolOptions,
  connection: WebSocketConnection,
  subscriptions: SocketContext['subscriptions'],
  id: string,
  payload: SubscribePayload,
): Promise<ExecutionArgs | readonly GraphQLError[]> {
  if (id.length > MAX_ID_LENGTH) {
    throw new GatewayError('BAD_USER_INPUT', `Ids have at most ${MAX_ID_LENGTH} characters.`);
  }
  const pending = new PendingOperation();
  let prepared: ExecutionArgs | readonly GraphQLError[];
  try {
    if (connection.operations >= MAX_OPERATIONS) throw tooMany();
    const inFlight = new RequestInFlight(options.quotas);
    if (connection.credentials) inFlight.begin(connection.credentials.identity);
    connection.begin(inFlight);
    subscriptions[id] = pending;
    prepared = await prepare(options, { connection, id, pending, inFlight }, payload);
  } catch (error) {
    prepared = [withoutHttp(options.maskError(error))];
  }
  // graphql-ws keeps messages as long as their operations stream.
  Object.assign(payload, { query: '', variables: null, extensions: null });
  if (!pending.isOver) return prepared;
  connection.executed();
  return never();
}

async function prepare(
  { yoga, maskError }: WebSocketProtocolOptions,
  begun: Begun,
  { query, variables, operationName, extensions }: SubscribePayload,
): Promise<ExecutionArgs | readonly GraphQLError[]> {
  assertDocumentSent({ query, extensions });
  assertDocumentLength(query);
  const params = { query, variables, operationName, extensions };
  const idempotencyHeader = readHeader(IDEMPOTENCY_HEADER, extensions);
  const { schema, parse, validate, contextFactory, ...enveloped } = yoga.getEnveloped({
    params,
    ...begun.connection.credentials,
    idempotencyHeader,
    inFlight: begun.inFlight,
    work: begun.pending.work,
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
  const executed = async (): Promise<unknown> => execute(args);
  const failed = (error: unknown) => ({ errors: [maskError(error)] });
  const run: Run = async () => resultOf(begun, await executed().catch(failed));
  return { schema, document, operationName, contextValue: run };
}

/** Returns what graphql-ws sends of a result; never, if the client has ended the operation. */
function resultOf({ connection, id, pending }: Begun, result: unknown): ReturnType<Run> {
  const stream = streamOf(connection, id, result);
  if (stream || pending.isOver) connection.executed();
  if (pending.isOver) stream?.end();
  else if (stream) connection.add(stream);
  if (pending.isOver) return never();
  return Promise.resolve(stream ?? shown(result as ExecutionResult));
}

function runOnce(args: ExecutionArgs): ReturnType<Run> {
  const run = args.contextValue as Run;
  // graphql-ws keeps arguments as long as their operations stream.
  args.contextValue = null;
  return run();
}

function streamOf(connection: WebSocketConnection, id: string, result: unknown) {
  if (isResultStream(result)) return new StreamedOperation(connection, id, result);
  if (!isAsyncIterable<ExecutionResult>(result)) return null;
  return new PulledOperation(connection, mapAsyncIterator(result, shown));
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
