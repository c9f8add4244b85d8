import { isIP, type Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { ClientBase } from 'pg';
import Connection from 'pg/lib/connection.js';

/** Properties of a connection that are missing in the types of node-postgres. */
interface Backend {
  host: string;
  port: number;
  ssl: ConnectionOptions | boolean;
  sslNegotiation: string;
  processID: number;
  secretKey: number;
  connection: { stream: Socket };
}

const TIMEOUT_MS = 5_000;

/**
 * Asks Postgres to cancel the running statement of a connection, over a second connection that is
 * encrypted like the first one. Resolves to true once Postgres has closed it: then the statement
 * was interrupted, and no later one will be. Resolves to false if that is not certain.
 */
export function requestCancel(client: ClientBase): Promise<boolean> {
  const backend = client as unknown as Backend;
  const { host, port, processID, secretKey, sslNegotiation } = backend;
  const ssl = tlsOf(backend);
  const connection = new Connection({ ssl, sslNegotiation });
  return new Promise((resolve) => {
    const timer = setTimeout(() => connection.stream.destroy(new Error('Timed out')), TIMEOUT_MS);
    const finish = (isDelivered: boolean) => {
      clearTimeout(timer);
      resolve(isDelivered);
    };
    let isSent = false;
    const send = () => {
      connection.cancel(processID, secretKey);
      isSent = true;
    };
    connection.on('connect', () => {
      if (!ssl) send();
      else if (sslNegotiation !== 'direct') connection.requestSsl();
    });
    connection.on('sslconnect', send);
    connection.on('error', () => finish(false));
    connection.on('end', () => finish(isSent));
    if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`);
    // A name may stand for several servers, and only one of them runs the statement.
    else connection.connect(port, backend.connection.stream.remoteAddress ?? host);
  });
}

/** The options of TLS, with the name that the certificate is for: the connection is made to an address. */
function tlsOf({ host, ssl }: Backend): ConnectionOptions | false {
  if (!ssl) return false;
  const { key, ...options } = ssl === true ? {} : { ...ssl, key: ssl.key };
  return {
    ...options,
    ...(key ? { key } : {}),
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
  };
}
