import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import type { GraphQLError, GraphQLSchema } from 'graphql';
import type { Authenticate } from '../../context/authentication.ts';
import type { Context } from '../../context/context.ts';
import type { Database } from '../../context/database/client.ts';
import { IDEMPOTENCY_HEADER } from '../../context/idempotency.ts';
import type { Identity } from '../../context/identity.ts';
import { runAsRequest } from '../../context/request-id.ts';
import { createSession, type Session } from '../../context/session.ts';
import type { Work } from '../../context/work.ts';
import { MEMBERSHIP_CHECKS, WORKSPACE_HEADER } from '../../context/workspace.ts';
import type { Variables } from '../../sql/fragment.ts';
import { FAILED } from '../../sql/json.ts';
import type { Accelerators } from '../accelerators.ts';
import { dataText } from '../compiled-reads.ts';
import { encodeBody, isSmall, plainBody, withHeaders } from '../compression.ts';
import { createCorsHeaders } from '../cors.ts';
import type { DocumentCache } from '../documents.ts';
import { acceptedJson } from '../http-streaming/accept.ts';
import { tookTooLong } from '../operation-session.ts';
import { REQUEST_ID_HEADER, requestIdOf } from '../request-id-header.ts';
import type { RootFieldWays } from '../root-field-ways.ts';
import type { ServerContext } from '../server-context.ts';
import { createKnownOperations, type KnownOperation } from './known-operations.ts';
import { isPlain, type PlainRequest, readBody, readPlain } from './plain-request.ts';

export interface FastLaneOptions {
  path: string;
  schema: GraphQLSchema;
  accelerators: Accelerators;
  database: Database;
  documents: DocumentCache;
  authenticate: Authenticate;
  maskError: (error: unknown) => GraphQLError;
  ways: RootFieldWays;
  corsOrigins: readonly string[];
  timeoutMs: number;
}

/** The workspace of a viewer, and SQL that is true while they may use it. */
interface KnownViewer {
  workspaceId: string;
  /** Of an earlier request. */
  context: Context;
  check: string;
}

/** A plain request whose document is known and whose cost is within the limit. */
interface Asked {
  operation: KnownOperation;
  operationName: string | null;
  variables: Variables;
}

/** The body of an answer, and the names of its fields. */
interface Answered {
  body: string;
  names: readonly string[];
}

/** A request whose body, once read, stays on it, where Yoga finds it. */
type ReadRequest = IncomingMessage & { body?: Buffer };

/**
 * Answers plain operations without Yoga: those of documents that Yoga has parsed and validated, of
 * viewers whose workspace it has looked up, which take one round trip. The membership is checked again
 * there. Everything else, and every error, is left to Yoga.
 */
export class FastLane {
  readonly #options: FastLaneOptions;
  readonly #operationOf: ReturnType<typeof createKnownOperations>;
  readonly #corsHeaders: ReturnType<typeof createCorsHeaders>;
  /** By the workspace that was chosen; by `''` without one. */
  readonly #viewers = new WeakMap<Identity, Map<string, KnownViewer>>();

  constructor(options: FastLaneOptions) {
    this.#options = options;
    this.#operationOf = createKnownOperations(options.schema, options.documents);
    this.#corsHeaders = createCorsHeaders(options.corsOrigins);
  }

  /** Remembers the workspace that Yoga has found for a viewer. */
  remember(identity: Identity, workspaceHeader: string | null, context: Context): void {
    const { workspace } = context;
    if (!workspace) return;
    const isChosen = workspaceHeader !== null;
    const kind = identity.kind === 'agent' ? 'agent' : isChosen ? 'chosen' : 'first';
    const known = this.#viewers.get(identity) ?? new Map<string, KnownViewer>();
    this.#viewers.set(identity, known);
    known.set(isChosen ? workspace.id : '', {
      workspaceId: workspace.id,
      context: { ...context, idempotencyKey: null },
      check: MEMBERSHIP_CHECKS[kind],
    });
  }

  /** Whether the request may be answered here, as far as its head says. */
  takes(request: IncomingMessage): boolean {
    return (
      isPlain(request, this.#options.path) && request.headers[IDEMPOTENCY_HEADER] === undefined
    );
  }

  /** Resolves to whether a request was answered. Results of the checks stay in the context. */
  async answer(
    request: ReadRequest,
    response: ServerResponse,
    context: ServerContext & { work: Work },
  ): Promise<boolean> {
    const type = acceptedJson(request.headers.accept ?? null);
    if (!type) return false;
    let answered: Answered | null;
    try {
      // As Yoga does it: nothing of a body is read for those who have no token, or too many requests.
      const { authorization = null } = request.headers;
      context.authenticated = this.#options.authenticate(authorization);
      const identity = await context.authenticated;
      context.inFlight?.begin(identity);
      request.body = await readBody(request);
      // The end of the connection may have been read with the body.
      await setImmediate();
      if (request.socket.destroyed) return true;
      answered = await this.#answered(identity, request, context);
    } catch {
      return false;
    }
    if (!answered) return false;
    const { body } = answered;
    const headers = {
      ...this.#corsHeaders(request.headers.origin),
      'content-type': `${type}; charset=utf-8`,
      [REQUEST_ID_HEADER]: requestIdOf((request.headers[REQUEST_ID_HEADER] as string) ?? null),
    };
    const encoding = request.headers['accept-encoding'];
    const encoded = isSmall(body) ? plainBody(body) : await encodeBody(body, encoding);
    if (response.destroyed) return true;
    const { ways } = this.#options;
    ways.record(new Map(answered.names.map((name) => [name, 'compiled'])), response);
    response.writeHead(200, withHeaders(headers, encoded.headers));
    // With the head in one write, if it is a text.
    response.end(encoded.body);
    // Counted until the whole answer is sent, or the client has disconnected.
    await closedOrLeft(response, context.work);
    return true;
  }

  /** Returns the answer, null if Yoga has to give it. */
  async #answered(
    identity: Identity,
    request: ReadRequest,
    { inFlight, work }: ServerContext & { work: Work },
  ): Promise<Answered | null> {
    const plain = readPlain(request.body as Buffer);
    const viewer = this.#viewerOf(identity, request);
    const asked = plain && viewer && this.#operation(plain);
    if (!asked) return null;
    inFlight?.enter(viewer.workspaceId);
    const { timeoutMs } = this.#options;
    const timer = setTimeout(() => work.stop(tookTooLong(timeoutMs)), timeoutMs);
    try {
      const session = createSession(viewer.context.session, work);
      return asked.operation.isMutation
        ? await this.#write(asked, viewer, session, request)
        : await this.#read(asked, viewer, session);
    } finally {
      clearTimeout(timer);
    }
  }

  #operation({ query, operationName, variables: given }: PlainRequest): Asked | null {
    const operation = this.#operationOf(query, operationName);
    const variables = operation?.coerced(given);
    if (!operation || !variables || !operation.isAffordable(variables)) return null;
    return { operation, operationName, variables };
  }

  async #read(
    { operation, operationName, variables }: Asked,
    { check }: KnownViewer,
    session: Session,
  ): Promise<Answered | null> {
    const { accelerators, database } = this.#options;
    const plan = accelerators.reader.planOf(operation.document, operationName, variables);
    if (!plan || plan.read.length < plan.fields.size) return null;
    const values = plan.bind(variables);
    const [isThere, ...texts] = await database.texts(plan.textWith(check), values, session);
    if (!isThere || texts.some((text) => text?.includes(FAILED))) return null;
    return { body: `{"data":${dataText(plan, texts, {})}}`, names: plan.read };
  }

  async #write(
    { operation: { document }, operationName, variables }: Asked,
    { context, check }: KnownViewer,
    session: Session,
    { headers }: IncomingMessage,
  ): Promise<Answered | null> {
    const { accelerators, maskError } = this.#options;
    const sent = { document, operationName, variables, context, session, check };
    const written = await accelerators.writer.write(sent);
    if (!written) return null;
    const { name, data, error } = written;
    const names = [name];
    if (!error) return { body: `{"data":${data}}`, names };
    // The mask logs it with the id of the request.
    const id = requestIdOf((headers[REQUEST_ID_HEADER] as string) ?? null);
    const masked = runAsRequest(id, () => maskError(error));
    return { body: `{"errors":[${JSON.stringify(masked)}],"data":${data}}`, names };
  }

  #viewerOf(identity: Identity, { headers }: IncomingMessage): KnownViewer | undefined {
    const header = headers[WORKSPACE_HEADER] ?? '';
    const known = this.#viewers.get(identity);
    return typeof header === 'string' ? known?.get(header.toLowerCase()) : undefined;
  }
}

/** Resolves when a response is sent or its client has left. One that waits in a pipeline is never closed. */
function closedOrLeft(response: ServerResponse, { reading }: Work): Promise<void> {
  return new Promise((resolve) => {
    const unlisten = reading.listen(() => resolve());
    response.once('close', () => {
      unlisten();
      resolve();
    });
  });
}
