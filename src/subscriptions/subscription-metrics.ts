import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Role } from '../realtime/replica-relay.ts';
import type { Payload } from './result-stream.ts';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What operators see of subscriptions. */
export interface SubscriptionMetrics {
  subscribers: Gauge;
  groups: Gauge;
  events: Counter;
  replayPages: Counter;
  liveExecutions: Counter;
  drops: Counter<'reason'>;
  /** Counts a result that the last of its clients has been handed. */
  delivered(clients: number, payload: Payload): void;
  /** Counts changes read from the log this long after they were written, in milliseconds. */
  read(lagMs: number): void;
  /** Notes who reads the log. */
  role(role: Role): void;
}

/** Registers the metrics of subscriptions. */
export function createSubscriptionMetrics(registry: Registry): SubscriptionMetrics {
  const registers = [registry];
  const deliveries = new Counter({
    name: 'codex_subscription_deliveries_total',
    help: 'Results handed to clients.',
    registers,
  });
  const lastClient = new Histogram({
    name: 'codex_subscription_last_client_seconds',
    help: 'From the write of a change until the last client of a group was handed its result.',
    buckets: SECONDS,
    registers,
  });
  const lag = new Histogram({
    name: 'codex_change_log_lag_seconds',
    help: 'From the write of a change until it was read from the log.',
    buckets: SECONDS,
    registers,
  });
  const roles = new Gauge({
    name: 'codex_change_log_role',
    help: 'Whether this replica reads the log for all, follows another one, or reads it for itself.',
    labelNames: ['role'],
    registers,
  });
  roles.set({ role: 'alone' }, 1);
  return {
    ...createCounts(registers),
    delivered(clients, { occurredAt }) {
      deliveries.inc(clients);
      if (occurredAt) lastClient.observe((Date.now() - occurredAt.getTime()) / 1000);
    },
    read: (lagMs) => lag.observe(lagMs / 1000),
    role(role) {
      roles.reset();
      roles.set({ role }, 1);
    },
  };
}

/** Metrics that are counted where it happens. */
function createCounts(registers: Registry[]) {
  return {
    subscribers: new Gauge({
      name: 'codex_subscribers',
      help: 'Open subscriptions.',
      registers,
    }),
    groups: new Gauge({
      name: 'codex_subscription_groups',
      help: 'Groups of subscriptions that share their executions.',
      registers,
    }),
    events: new Counter({
      name: 'codex_changes_total',
      help: 'Changes read from the log.',
      registers,
    }),
    replayPages: new Counter({
      name: 'codex_subscription_replay_pages_total',
      help: 'Pages of past changes that were executed for clients with a cursor.',
      registers,
    }),
    liveExecutions: new Counter({
      name: 'codex_live_query_executions_total',
      help: 'Executions of live queries, each for all clients that ask for the same.',
      registers,
    }),
    drops: new Counter({
      name: 'codex_subscription_drops_total',
      help: 'Subscriptions ended by the gateway, by the code that the client got.',
      labelNames: ['reason'],
      registers,
    }),
  };
}
