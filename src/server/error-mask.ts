import { PothosValidationError } from '@pothos/core';
import { GraphQLError, type GraphQLErrorExtensions } from 'graphql';
import { type DatabaseErrorKind, databaseError } from '../context/database/database-errors.ts';
import { type ErrorCode, GatewayError } from '../context/errors.ts';
import { currentRequestId } from '../context/request-id.ts';
import { WorkStoppedError } from '../context/work.ts';
import type { Logger } from './logger.ts';
import { MAX_BODY_BYTES } from './operation-limits.ts';

/** What clients see of a refusal by the database that no resolver has explained. */
const DATABASE_ERRORS: Partial<
  Record<DatabaseErrorKind, { code: ErrorCode; message: string; status?: number }>
> = {
  unique: { code: 'CONFLICT', message: 'Another row has these values already.' },
  foreignKey: { code: 'BAD_USER_INPUT', message: 'A row that this refers to does not exist.' },
  check: { code: 'BAD_USER_INPUT', message: 'A value is outside its allowed range.' },
  notNull: { code: 'BAD_USER_INPUT', message: 'A required value is missing.' },
  permission: { code: 'FORBIDDEN', message: 'Your role does not allow this.' },
  notFound: { code: 'NOT_FOUND', message: 'There is no such row.' },
  serialization: {
    code: 'CONFLICT',
    message: 'Somebody else changed the same rows at this moment. Try again.',
  },
  timeout: {
    code: 'TIMEOUT',
    message: 'The database took too long. Ask for less at a time, or try again.',
    status: 504,
  },
  unavailable: {
    code: 'SERVICE_UNAVAILABLE',
    message: 'The database is out of reach right now. Try again shortly.',
    status: 503,
  },
};

/** Response headers that go with a status. */
const HEADERS: Record<number, Record<string, string>> = {
  401: { 'www-authenticate': 'Bearer' },
  429: { 'retry-after': '1' },
};

/**
 * A number or a moment is out of range. Input is checked before, so the value comes from the
 * database.
 */
const OVERFLOWS = ['22003', '22008'];

/** Characters of a message, and of the name of an argument. */
const MAX_TEXT = 1_000;
const MAX_QUOTE = 200;

/** Yoga's own messages that do not say what to do. */
const CLEARER: Record<string, string> = {
  REQUEST_ENTITY_TOO_LARGE: `The body is larger than ${MAX_BODY_BYTES.toLocaleString('en')} bytes.`,
};

/** The write is rolled back, because its answer failed with this error. */
class Undone extends Error {
  override readonly name = 'Undone';
}

/**
 * Marks an error that failed the answer to a write, so that the message says what happened to the
 * write.
 */
export function undone(error: GraphQLError): GraphQLError {
  const originalError = new Undone('The answer to a write failed', { cause: error });
  return new GraphQLError(error.message, { ...placeOf(error), originalError });
}

/** Turns anything thrown into an error that clients may see, and logs what they may not see. */
export function createErrorMask(logger: Logger): (error: unknown) => GraphQLError {
  const mask = (error: unknown): GraphQLError => {
    const cause = rootCause(error);
    if (cause instanceof Undone) {
      const shown = mask(cause.cause);
      const message = `${shown.message} The write was rolled back: nothing was changed.`;
      return new GraphQLError(message, { ...placeOf(shown), extensions: shown.extensions });
    }
    const at = error instanceof GraphQLError ? error : undefined;
    if (cause instanceof GatewayError) {
      if (cause.cause) logger.warn({ err: cause.cause }, cause.message);
      return visible(at, cause.message, cause);
    }
    if (cause instanceof PothosValidationError) {
      return visible(at, cause.message, { code: 'BAD_USER_INPUT' });
    }
    const failure = databaseError(cause);
    const shown = failure && DATABASE_ERRORS[failure.kind];
    if (shown) {
      if (shown.status) logger.warn({ err: cause }, shown.message);
      return visible(at, shown.message, shown);
    }
    if (failure?.sqlstate && OVERFLOWS.includes(failure.sqlstate)) {
      const message = 'A stored value is too large to be added up or shown.';
      logger.warn({ err: cause }, message);
      return visible(at, message, { code: 'UNREPRESENTABLE_VALUE' });
    }
    if (cause instanceof GraphQLError && isAboutTheRequest(cause, at)) return explained(cause, at);
    if (isCutOff(cause)) {
      return visible(at, 'The request is incomplete.', { code: 'BAD_REQUEST', status: 400 });
    }
    logger.error({ err: cause }, 'Unexpected error');
    return visible(at, 'Something went wrong on our side. Try again, or report the request id.', {
      code: 'INTERNAL_SERVER_ERROR',
      status: 500,
      requestId: currentRequestId(),
    });
  };
  return mask;
}

function rootCause(error: unknown): unknown {
  let cause = error;
  while (cause instanceof GraphQLError && cause.originalError) cause = cause.originalError;
  return cause instanceof WorkStoppedError ? cause.reason : cause;
}

/** Whether the client disconnected before it had sent the whole request. */
function isCutOff(cause: unknown): boolean {
  const { code, message } = Object(cause) as { code?: unknown; message?: unknown };
  return code === 'ECONNRESET' && message === 'aborted';
}

/**
 * Errors with a code are meant for clients. So are those of graphql-js from before a field runs and
 * about the arguments of a field. All others are results that do not fit the schema, which is our
 * bug.
 */
function isAboutTheRequest(cause: GraphQLError, at: GraphQLError | undefined): boolean {
  return Boolean(cause.extensions.code) || !at?.path || cause.message.startsWith('Argument "');
}

function explained(cause: GraphQLError, at: GraphQLError | undefined): GraphQLError {
  const { originalError, http, ...extensions } = cause.extensions;
  const code = String(extensions.code ?? 'BAD_USER_INPUT');
  const message = CLEARER[code] ?? (at ?? cause).message;
  const detail = (originalError as Error | undefined)?.message;
  return new GraphQLError(shortened(detail ? `${message} ${detail}` : message), {
    ...placeOf(at ?? cause),
    extensions: { ...extensions, code, ...(http ? { http: statusOf(http, code) } : {}) },
  });
}

/**
 * Following the GraphQL over HTTP specification, invalid documents and variables have status 200 in
 * plain JSON. Invalid requests have an error status in every media type.
 */
function statusOf(http: object, code: string): object {
  return { ...http, spec: code.startsWith('GRAPHQL_') || code === 'BAD_USER_INPUT' };
}

interface Visible {
  code: string;
  argument?: string | undefined;
  details?: GatewayError['details'];
  status?: number | undefined;
  requestId?: string | undefined;
}

function visible(
  at: GraphQLError | undefined,
  message: string,
  { code, argument, details, status, requestId }: Visible,
): GraphQLError {
  const extensions: GraphQLErrorExtensions = { ...details, code };
  if (argument) extensions.argument = shortened(argument);
  if (requestId) extensions.requestId = requestId;
  // An error of one field leaves the answers of the others: the response as a whole succeeded.
  if (status && !at?.path) {
    extensions.http = { status, headers: HEADERS[status] ?? {} };
  }
  return new GraphQLError(shortened(message), { ...placeOf(at), extensions });
}

/** A message may quote the client's input before the reason, and that can be as long as a body. */
function shortened(text: string): string {
  if (text.length <= MAX_TEXT) return text;
  let short = text
    .split('"')
    .map((part) => (part.length > MAX_QUOTE ? `${part.slice(0, MAX_QUOTE)}…` : part))
    .join('"');
  if (short.length > MAX_TEXT) {
    short = `${short.slice(0, MAX_TEXT / 2)}…${short.slice(-MAX_TEXT / 2)}`;
  }
  // The cut may leave half of a surrogate pair.
  return short.replace(/\p{Surrogate}/gu, '');
}

function placeOf(error: GraphQLError | undefined) {
  const { nodes, source, positions, path } = error ?? {};
  return { nodes: nodes ?? null, source: source ?? null, positions: positions ?? null, path };
}
