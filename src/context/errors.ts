/** The codes that clients branch on. They never change their meaning. */
export type ErrorCode =
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'WORKSPACE_REQUIRED'
  | 'BAD_USER_INPUT'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'INVALID_STATE'
  | 'IDEMPOTENCY_MISMATCH'
  | 'IDEMPOTENCY_ANSWER_TOO_LARGE'
  | 'TOO_MANY_IDEMPOTENCY_KEYS'
  | 'OPERATION_TOO_LARGE'
  | 'QUERY_TOO_COMPLEX'
  | 'UNREPRESENTABLE_VALUE'
  | 'TIMEOUT'
  /** For a request whose client has gone; nobody receives it. */
  | 'CANCELLED'
  | 'CURSOR_EXPIRED'
  | 'TOO_MANY_REQUESTS'
  | 'TOO_MANY_CONNECTIONS'
  | 'TOO_MANY_SUBSCRIPTIONS'
  | 'TOO_SLOW'
  | 'SERVICE_UNAVAILABLE';

export interface GatewayErrorOptions {
  /** The argument or header that is wrong, as the client wrote it: `first`, `filter.title`. */
  argument?: string;
  /** More members of `extensions`, for programs. */
  details?: Readonly<Record<string, string | number>>;
  /** The HTTP status, for errors that refuse a request as a whole. */
  status?: number;
  /** The error behind this one; logged, never sent. */
  cause?: unknown;
}

/** An error that is meant for the client: it sees the message, the code and the argument. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: ErrorCode;
  readonly argument: string | undefined;
  readonly details: Readonly<Record<string, string | number>> | undefined;
  readonly status: number | undefined;

  constructor(code: ErrorCode, message: string, options: GatewayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.argument = options.argument;
    this.details = options.details;
    this.status = options.status;
  }
}
