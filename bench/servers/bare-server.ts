// The least that a server does: node:http, and one prepared statement a request, written by hand, that
// returns the answer's text. No GraphQL, no token, no check of the membership; policies apply.
import { createServer, type IncomingMessage } from 'node:http';
import pg from 'pg';
import { aliasFilters } from '../alias-filters.ts';
import { SettingsAndStatement } from './bare-batch.ts';
import { type BareStatement, STATEMENTS } from './bare-sql.ts';

interface Body {
  request: string;
  size: number;
  variables: Record<string, unknown>;
}

const { DATABASE_URL, DATABASE_POOL_SIZE, PORT } = process.env;
const { BENCH_CLAIMS = '', BENCH_WORKSPACE = '' } = process.env;
const settings = ['authenticated', BENCH_CLAIMS, BENCH_WORKSPACE];
const pool = new pg.Pool({
  ...(DATABASE_URL ? { connectionString: DATABASE_URL } : {}),
  max: Number(DATABASE_POOL_SIZE),
});
const statements = new Map<string, BareStatement>();

const server = createServer(async (request, response) => {
  try {
    const text = await answer(JSON.parse(await read(request)));
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    });
    response.end(text);
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
});
server.listen(Number(PORT), '127.0.0.1');
process.once('SIGINT', () => process.exit());

async function answer({ request, size, variables }: Body): Promise<string> {
  const key = `${request} ${size}`;
  let statement = statements.get(key);
  if (!statement) {
    statement = STATEMENTS[request]?.(size, aliasFilters(size));
    if (!statement) throw new Error(`There is no request ${request}`);
    statements.set(key, statement);
  }
  const client = await pool.connect();
  try {
    const batch = new SettingsAndStatement(
      settings,
      key,
      statement.text,
      statement.values(variables),
    );
    client.query(batch);
    return `{"data":{"${statement.field}":${await batch.result}}}`;
  } finally {
    client.release();
  }
}

async function read(request: IncomingMessage): Promise<string> {
  let text = '';
  request.setEncoding('utf8');
  for await (const chunk of request) text += chunk;
  return text;
}
