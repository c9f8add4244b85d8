import { isDriverAdapterError } from '@prisma/driver-adapter-utils';
import pg from 'pg';
import { Prisma } from '../../generated/prisma/client.ts';

/**
 * An error from our side of the connection, in the form of the server's errors, which Prisma's
 * adapter translates.
 */
export class SqlStateError extends Error {
  override readonly name = 'SqlStateError';
  readonly code: string;
  readonly severity: 'ERROR' | 'FATAL';

  constructor(code: string, severity: 'ERROR' | 'FATAL', message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.severity = severity;
  }
}

/** Errors of the server carry an SQLSTATE already; the driver's own are failed connections. */
export function toSqlStateError(error: unknown): pg.DatabaseError | SqlStateError {
  if (error instanceof pg.DatabaseError || error instanceof SqlStateError) return error;
  return new SqlStateError('08006', 'FATAL', 'The database connection failed', { cause: error });
}

export type DatabaseErrorKind =
  | 'unique'
  | 'foreignKey'
  | 'check'
  | 'notNull'
  | 'permission'
  | 'notFound'
  | 'raised'
  | 'serialization'
  | 'timeout'
  | 'unavailable'
  | 'invalidInput'
  | 'unknown';

/** What went wrong, whether Prisma or node-postgres reported it. Messages are for logs only. */
export interface DatabaseFailure {
  kind: DatabaseErrorKind;
  /** The SQLSTATE, if the error came from Postgres. */
  sqlstate?: string;
  /** The violated constraint or unique index. */
  constraint?: string;
  /** The columns of the error, as the database names them. */
  columns: string[];
  message: string;
  /** The DETAIL and HINT of a function's own error. */
  detail?: string;
  hint?: string;
}

/** SQLSTATEs, and classes (their first two characters) where all members mean the same to us. */
const KIND_BY_SQLSTATE: Record<string, DatabaseErrorKind> = {
  '23505': 'unique',
  '23P01': 'unique',
  '23503': 'foreignKey',
  '23001': 'foreignKey',
  '23514': 'check',
  '23502': 'notNull',
  '42501': 'permission',
  '44000': 'permission',
  P0001: 'raised',
  '40001': 'serialization',
  '40P01': 'serialization',
  '57014': 'timeout',
  '55P03': 'timeout',
  '25P03': 'timeout',
  '25P04': 'timeout',
  '08': 'unavailable',
  '28': 'unavailable',
  '3D': 'unavailable',
  '53': 'unavailable',
  '57': 'unavailable',
  '22': 'invalidInput',
};

const KIND_BY_PRISMA_CODE: Record<string, DatabaseErrorKind> = {
  P2000: 'invalidInput',
  P2002: 'unique',
  P2003: 'foreignKey',
  P2004: 'check',
  P2005: 'invalidInput',
  P2006: 'invalidInput',
  P2007: 'invalidInput',
  P2011: 'notNull',
  P2015: 'notFound',
  P2018: 'notFound',
  P2020: 'invalidInput',
  P2023: 'invalidInput',
  P2024: 'timeout',
  P2025: 'notFound',
  P2028: 'timeout',
  P2033: 'invalidInput',
  P2034: 'serialization',
  P2037: 'unavailable',
};

/** The form in which Prisma's adapter passes on an error of the driver. */
interface AdapterCause {
  originalCode?: string;
  originalMessage?: string;
  constraint?: { index?: string; fields?: string[] };
  column?: string;
  detail?: string;
  hint?: string;
}

/** Translates an error of Prisma or node-postgres; returns null for one that is neither's. */
export function databaseError(error: unknown): DatabaseFailure | null {
  if (!(error instanceof Error)) return null;
  if (error instanceof pg.DatabaseError) {
    const { code, message, constraint, column, detail, hint } = error;
    return failure({
      originalMessage: message,
      ...(code && { originalCode: code }),
      ...(constraint && { constraint: { index: constraint } }),
      ...(column && { column }),
      ...(detail && { detail }),
      ...(hint && { hint }),
    });
  }
  if (error instanceof SqlStateError) {
    return failure({ originalCode: error.code, originalMessage: error.message });
  }
  // Prisma passes on the adapter's error of a failed COMMIT unchanged.
  if (isDriverAdapterError(error)) return failure(error.cause as AdapterCause);
  if (error instanceof Prisma.PrismaClientKnownRequestError) {
    const adapterError = error.meta?.driverAdapterError as { cause?: AdapterCause } | undefined;
    const kind = KIND_BY_PRISMA_CODE[error.code];
    const fallback = kind ?? (error.code.startsWith('P1') ? 'unavailable' : 'unknown');
    return failure({ originalMessage: error.message, ...adapterError?.cause }, fallback);
  }
  if (error instanceof Prisma.PrismaClientValidationError) {
    return { kind: 'invalidInput', columns: [], message: error.message };
  }
  if (error instanceof Prisma.PrismaClientInitializationError) {
    return { kind: 'unavailable', columns: [], message: error.message };
  }
  return null;
}

function failure(cause: AdapterCause, fallback: DatabaseErrorKind = 'unknown'): DatabaseFailure {
  const { originalCode: sqlstate, originalMessage: message = '', detail, hint } = cause;
  const kind =
    (sqlstate && (KIND_BY_SQLSTATE[sqlstate] ?? KIND_BY_SQLSTATE[sqlstate.slice(0, 2)])) ||
    fallback;
  // Prisma keeps neither the name of a CHECK nor the column of a NOT NULL: the message has them.
  const constraint = cause.constraint?.index ?? /constraint "([^"]+)"/.exec(message)?.[1];
  const column = cause.column ?? /column "([^"]+)"/.exec(message)?.[1];
  return {
    kind,
    columns: cause.constraint?.fields ?? (column ? [column] : []),
    message,
    ...(sqlstate && { sqlstate }),
    ...(constraint && { constraint }),
    ...(detail && { detail }),
    ...(hint && { hint }),
  };
}
