import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { buffer, text } from 'node:stream/consumers';
import { expect } from 'vitest';

/** An answer to a request for a file. */
export interface Download {
  status: number;
  headers: Headers;
  text: string;
}

/** Requests a file. */
export async function download(url: string, init: RequestInit = {}): Promise<Download> {
  const response = await fetch(url, init);
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** Returns the path of an export with parameters; those that are no text are sent as JSON. */
export function exportPath(file: string, parameters: Record<string, unknown> = {}): string {
  const search = new URLSearchParams(
    Object.entries(parameters).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
  return `/export/${file}?${search}`;
}

/** Returns the records of a CSV file, its header among them; fails for anything that RFC 4180 does not allow. */
export function readCsv(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  let at = 0;
  while (at < text.length) {
    const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y;
    cell.lastIndex = at;
    const found = cell.exec(text);
    expect(found, `no cell at ${JSON.stringify(text.slice(at, at + 80))}`).not.toBeNull();
    if (!found) return records;
    record.push((found[1] ?? found[2] ?? '').replaceAll('""', '"'));
    at = cell.lastIndex;
    if (found[3] === '\r\n') {
      records.push(record);
      record = [];
    }
  }
  expect(record).toEqual([]);
  return records;
}

/** Returns the rows of an NDJSON file. */
export function readNdjson(text: string): Record<string, unknown>[] {
  expect(text === '' || text.endsWith('\n')).toBe(true);
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

/** An export whose client reads nothing at first. */
export interface PausedDownload {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  /** Reads the rest; rejects if the connection is cut off before the end. */
  text(): Promise<string>;
  /** The same, as it is sent. */
  bytes(): Promise<Buffer>;
  /** Disconnects. */
  leave(): void;
}

/** Requests a file, and reads the head of the answer. */
export async function pausedDownload(
  url: string,
  headers: Record<string, string>,
): Promise<PausedDownload> {
  const sent = request(url, { headers, agent: false }).end();
  sent.on('error', () => {});
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.on('error', () => {});
  return {
    status: response.statusCode,
    headers: response.headers,
    text: () => text(response),
    bytes: () => buffer(response),
    leave: () => void sent.destroy(),
  };
}
