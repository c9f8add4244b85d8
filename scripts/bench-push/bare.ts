// The least work that delivers a change: woken by Postgres, reads the log, looks the row up and
// writes it to each client. No tenants, no GraphQL, no cursors, no clients that read too slowly.
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import pg from 'pg';
import { collectDefaultMetrics, register } from 'prom-client';
import { WebSocketServer } from 'ws';

/** Writers that have just woken all readers rely on them to poll again this soon. */
const AWAKE_POLL_MS = 2;
const { BARE_DATABASE_URL: connectionString, PORT } = process.env;
const log = new pg.Client({ connectionString });
const rows = new pg.Client({ connectionString });
await Promise.all([log.connect(), rows.connect()]);
const clients = new Map<Socket, string>();
let seen = (await log.query('SELECT gateway.change_snapshot()::text AS snapshot')).rows[0].snapshot;
let isReading = false;
let isWoken = false;
let poll: NodeJS.Timeout | undefined;

collectDefaultMetrics();
const server = createServer(async (_request, response) => response.end(await register.metrics()));
new WebSocketServer({ server }).on('connection', (webSocket, { socket }) => {
  webSocket.on('message', (text) => {
    const { type, id } = JSON.parse(String(text));
    if (type === 'connection_init') webSocket.send('{"type":"connection_ack"}');
    if (type === 'subscribe') clients.set(socket, id);
  });
  socket.on('close', () => clients.delete(socket));
});
log.on('notification', read);
await log.query('LISTEN gateway_change');
await read();
// Also announces a reader, so that writers wake it.
setInterval(read, 250);
server.listen(Number(PORT), '127.0.0.1');
process.once('SIGINT', () => process.exit());

async function read(): Promise<void> {
  isWoken = true;
  if (isReading) return;
  isReading = true;
  while (isWoken) {
    isWoken = false;
    const news = await log.query(
      'SELECT snapshot, awake, changes FROM gateway.changes_after($1, $2)',
      [seen, 500],
    );
    const { snapshot, awake, changes } = news.rows[0];
    seen = snapshot;
    for (const [, , id] of changes) await deliver(id);
    clearTimeout(poll);
    if (awake) poll = setTimeout(read, AWAKE_POLL_MS);
  }
  isReading = false;
}

async function deliver(rowId: string): Promise<void> {
  const [alert] = (
    await rows.query(
      'SELECT id, title, severity_level, status, created_at FROM system_alerts WHERE id = $1',
      [rowId],
    )
  ).rows;
  const payload = JSON.stringify({ data: { alertRaised: { operation: 'CREATED', node: alert } } });
  for (const [socket, id] of clients) {
    const text = Buffer.from(`{"id":"${id}","type":"next","payload":${payload}}`);
    const head = Buffer.from([0x81, 126, text.length >> 8, text.length & 0xff]);
    socket.write(Buffer.concat([head, text]));
  }
}
