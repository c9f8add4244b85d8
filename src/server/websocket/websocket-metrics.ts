import { Gauge, type Registry } from 'prom-client';
import type { WebSocketStatistics } from './websocket.ts';

/** Registers the metrics of WebSockets. */
export function registerWebSockets(registry: Registry, statistics: WebSocketStatistics): void {
  const registers = [registry];
  new Gauge({
    name: 'codex_websockets',
    help: 'Open WebSockets.',
    registers,
    collect() {
      this.set(statistics.open);
    },
  });
  new Gauge({
    name: 'codex_websockets_unauthenticated',
    help: 'Open WebSockets that have not signed in yet.',
    registers,
    collect() {
      this.set(statistics.unauthenticated);
    },
  });
  new Gauge({
    name: 'codex_websockets_closed',
    help: 'WebSockets closed since the start, by close code.',
    labelNames: ['code'],
    registers,
    collect() {
      for (const [code, count] of Object.entries(statistics.closed)) this.set({ code }, count);
    },
  });
}
