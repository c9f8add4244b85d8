import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GraphQLSchema } from 'graphql';
import type { Authenticate } from '../../context/authentication.ts';
import type { Context } from '../../context/context.ts';
import type { Database } from '../../context/database/client.ts';
import { IDEMPOTENCY_HEADER } from '../../context/idempotency.ts';

import type { Identity } from '../../context/identity.ts';
import { createSession, type SessionSettings } from '../../context/session.ts';
import type { Work } from '../../context/work.ts';
import { STILL_THERE, WORKSPACE_HEADER } from '../../context/workspace.ts';
import type { Reader } from '../../read/reader.ts';
import { FAILED } from '../../sql/json.ts';
import { dataText } from '../compiled-reads.ts';
import { createCorsHeaders } from '../cors.ts';
import type { DocumentCache } from '../documents.ts';
import { acceptedJson } from '../http-streaming/accept.ts';
import { tookTooLong } from '../operation-session.ts';
import { REQUEST_ID_HEADER, requestIdOf } from '../request-id-header.ts';
import type { ServerContext } from '../server-context.ts';
import { createKnownOperations } from './known-operations.ts';
import { isPlain, type PlainRequest, readBody, readPlain } from './plain-request.ts';

export interface FastLaneOptions {
  path: string;
  schema: GraphQLSchema;
  reader: Reader;
  database: Database;
  documents: DocumentCache;
  authenticate: Authenticate;
  corsOrigins: readonly string[];
  timeoutMs: number;
}

/** Where a viewer is, and SQL that is true as long as they may be there. */
interface Seat {
  workspaceId: string;
  session: SessionSettings;
  check: string;
}

/** Whether a parsed body is left on the request, where Yoga finds it. */
type ReadRequest = IncomingMessage & { body?: Buffer };

/**
 * Answers plain queries without Yoga: those of documents that Yoga has parsed and validated, of viewers
 * whose workspace it has looked up, and that one statement reads. The statement checks the membership
 * again. Everything else, and every error, is left to Yoga.
 */
export class FastLane {
  readonly #options: FastLaneOptions;
  readonly #operationOf: ReturnType<typeof createKnownOperations>;
  readonly #corsHeaders: ReturnType<typeof createCorsHeaders>;
  /** By the workspace header; by `''` without one. */
  readonly #seats = new WeakMap<Identity, Map<string, Seat>>();

  constructor(options: FastLaneOptions) {
    this.#options = options;
    this.#operationOf = createKnownOperations(options.schema, options.documents);
    this.#corsHeaders = createCorsHeaders(options.corsOrigins);
  }

  /** Remembers where Yoga has found a viewer to be. */
  remember(identity: Identity, workspaceHeader: string | null, context: Context): void {
    const { workspace, session } = context;
    if (!workspace) return;
    const isChosen = workspaceHeader !== null;
    const kind = identity.kind === 'agent' ? 'agent' : isChosen ? 'chosen' : 'first';
    const seats = this.#seats.get(identity) ?? new Map<string, Seat>();
    this.#seats.set(identity, seats);
    seats.set(workspaceHeader ?? '', {
      workspaceId: workspace.id,
      session,
      check: STILL_THERE[kind],
    });
  }

  /** Whether the request may be answered here, as far as its head says. */
  takes(request: IncomingMessage): boolean {
    return (
      isPlain(request, this.#options.path) && request.headers[IDEMPOTENCY_HEADER] === undefined
    );
  }

  /** Resolves to whether a request was answered. What was found out of it is left in the context. */
  async answer(
    request: ReadRequest,
    response: ServerResponse,
    context: ServerContext & { work: Work },
  ): Promise<boolean> {
    const type = acceptedJson(request.headers.accept ?? null);
    if (!type) return false;
    let text: string | null;
    try {
      // As Yoga does it: nothing of a body is read for those who have no token, or too many requests.
      const { authorization = null } = request.headers;
      context.authenticated = this.#options.authenticate(authorization);
      const identity = await context.authenticated;
      context.inFlight?.begin(identity);
      request.body = await readBody(request);
      text = await this.#read(identity, request, context);
    } catch {
      return false;
    }
    if (text === null) return false;
    if (response.destroyed) return true;
    const body = `{"data":${text}}`;
    response.writeHead(200, {
      ...this.#corsHeaders(request.headers.origin),
      'content-type': `${type}; charset=utf-8`,
      'content-length': Buffer.byteLength(body),
      [REQUEST_ID_HEADER]: requestIdOf((request.headers[REQUEST_ID_HEADER] as string) ?? null),
    });
    // With the head in one write, since it is a text.
    response.end(body);
    // Counted until all of it is sent, or its client has gone.
    await once(response, 'close');
    return true;
  }

  async #read(
    identity: Identity,
    request: ReadRequest,
    { inFlight, work }: ServerContext & { work: Work },
  ): Promise<string | null> {
    const plain = readPlain(request.body as Buffer);
    const seat = this.#seatOf(identity, request);
    if (!plain || !seat) return null;
    const planned = this.#plan(plain);
    if (!planned) return null;
    inFlight?.enter(seat.workspaceId);
    const { database, timeoutMs } = this.#options;
    const { plan, values } = planned;
    const timer = setTimeout(() => work.stop(tookTooLong(timeoutMs)), timeoutMs);
    try {
      const text = plan.textWith(seat.check);
      const session = createSession(seat.session, work);
      const [isThere, ...texts] = await database.texts(text, values, session);
      if (!isThere || texts.some((text) => text?.includes(FAILED))) return null;
      return dataText(plan, texts, {});
    } finally {
      clearTimeout(timer);
    }
  }

  #seatOf(identity: Identity, { headers }: IncomingMessage): Seat | undefined {
    const header = headers[WORKSPACE_HEADER] ?? '';
    return typeof header === 'string' ? this.#seats.get(identity)?.get(header) : undefined;
  }

  #plan({ query, operationName, variables: given }: PlainRequest) {
    const operation = this.#operationOf(query, operationName);
    const variables = operation?.coerced(given);
    if (!operation || !variables || !operation.isAffordable(variables)) return null;
    const plan = this.#options.reader.planOf(operation.document, operationName, variables);
    if (!plan || plan.read.length < plan.fields.size) return null;
    return { plan, values: plan.bind(variables) };
  }
}
