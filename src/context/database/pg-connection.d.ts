/** The part of node-postgres that speaks its protocol, more of it than @types/pg has. */
declare module 'pg/lib/connection.js' {
  import type { EventEmitter } from 'node:events';
  import type { Socket } from 'node:net';
  import type { ConnectionOptions } from 'node:tls';

  export default class Connection extends EventEmitter {
    readonly stream: Socket;
    constructor(config: { ssl: ConnectionOptions | false; sslNegotiation: string });
    connect(port: number, host: string): void;
    connect(path: string): void;
    requestSsl(): void;
    cancel(processId: number, secretKey: number): void;
  }
}
