import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { GraphQLError } from 'graphql';
import type { SessionPool } from '../../context/database/pool.ts';
import { GatewayError } from '../../context/errors.ts';
import { runAsRequest } from '../../context/request-id.ts';
import type { Session } from '../../context/session.ts';
import { acceptedEncoder, withHeaders } from '../compression.ts';
import { REQUEST_ID_HEADER } from '../request-id-header.ts';
import { maskedResponse } from '../responses.ts';
import { sendAnswer, settledOrClosed } from '../send-answer.ts';
import type { ExportSlots, Outcome } from './export-slots.ts';
import type { ExportedTable } from './exported-table.ts';
import type { FileWriter } from './file-format.ts';
import { writeAll } from './write-all.ts';

/** An export whose request is in order. */
export interface AnnouncedExport {
  table: ExportedTable;
  writer: FileWriter;
  session: Session;
  /** Who may have one export at a time. */
  holder: string;
}

export interface ExportSenderOptions {
  pool: SessionPool;
  slots: ExportSlots;
  maskError: (error: unknown) => GraphQLError;
  /** How long a client may take nothing, in milliseconds. */
  stallMs: number;
  /** How long an export may take, in milliseconds. */
  mostMs: number;
}

/** When clients that are refused may try again, in seconds. */
const RETRY_AFTER = '10';

/** Sends exports. What is wrong before the first rows are read is an answer of its own. */
export class ExportSender {
  readonly #options: ExportSenderOptions;
  readonly #announced = new WeakMap<Response, AnnouncedExport>();

  constructor(options: ExportSenderOptions) {
    this.#options = options;
  }

  /** Lets a response, which has the headers, become an export once it is sent. */
  announce(response: Response, announced: AnnouncedExport): Response {
    this.#announced.set(response, announced);
    return response;
  }

  /** Returns the export for a response, undefined for any other response. */
  of(response: Response): AnnouncedExport | undefined {
    return this.#announced.get(response);
  }

  /** Resolves once the export is sent, its client has gone, or it was cut off. */
  async send(
    answer: Response,
    announced: AnnouncedExport,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    // Requests may be pipelined: nothing begins before its turn has come.
    if (!response.socket) await settledOrClosed(request.socket, once(response, 'socket'));
    const { work } = announced.session;
    let end = (_: Outcome) => {};
    try {
      work.reading.throwIfStopped();
      end = this.#options.slots.take(announced.holder);
      await this.#stream(answer, announced, request, response);
      end(response.writableFinished ? 'finished' : 'left');
    } catch (error) {
      end(request.socket.destroyed ? 'left' : 'failed');
      await this.#fail(error, answer, request, response);
    }
  }

  async #stream(
    answer: Response,
    { table, writer, session }: AnnouncedExport,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { pool, stallMs, mostMs } = this.#options;
    const { work } = session;
    const rows = pool.batches(table.statement, session);
    const timer = setTimeout(() => work.stop(tookTooLong(mostMs)), mostMs);
    // The database may need longer for the first rows than a connection may otherwise be idle.
    request.socket.setTimeout(0);
    // An error is followed by the end of the work.
    response.on('error', () => {});
    try {
      const textOf = (batch: readonly unknown[][]) => writer.rows(table.cellsOf(batch));
      const first = await rows.next();
      const beginning = writer.head + (first.done ? '' : textOf(first.value));
      const { encoding, encoder } = acceptedEncoder(request.headers['accept-encoding']);
      const own = {
        vary: 'Accept-Encoding',
        ...(encoding ? { 'content-encoding': encoding } : {}),
      };
      response.writeHead(answer.status, withHeaders(Object.fromEntries(answer.headers), own));
      const send = (chunks: AsyncIterable<Buffer | string>) =>
        writeAll(chunks, response, work.reading, stallMs);
      const texts = textsOf(beginning, rows, textOf);
      await (encoder ? pipeline(texts, encoder, send) : pipeline(texts, send));
      request.socket.setTimeout(stallMs);
      response.end();
      await settledOrClosed(request.socket, once(response, 'close'));
    } catch (error) {
      throw table.explained(error);
    } finally {
      clearTimeout(timer);
      // Rows may be under way that nobody waits for.
      work.leave();
      await rows.return(undefined);
    }
  }

  async #fail(
    error: unknown,
    answer: Response,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { headers } = answer;
    const id = headers.get(REQUEST_ID_HEADER) ?? '';
    const masked = runAsRequest(id, () => this.#options.maskError(error));
    if (request.socket.destroyed) return;
    // Without a chunk that ends it, or by a reset where there are no chunks, nobody takes it for complete.
    if (response.headersSent) request.socket.resetAndDestroy();
    else await sendAnswer(maskedResponse(masked, RETRY_AFTER, headers), request, response);
  }
}

async function* textsOf(
  beginning: string,
  rows: AsyncGenerator<readonly unknown[][]>,
  textOf: (batch: readonly unknown[][]) => string,
): AsyncGenerator<string> {
  if (beginning) yield beginning;
  for await (const batch of rows) yield textOf(batch);
}

function tookTooLong(mostMs: number): GatewayError {
  return new GatewayError('TIMEOUT', `The export took longer than ${mostMs / 60_000} minutes.`, {
    status: 504,
  });
}
