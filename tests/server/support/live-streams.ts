import type { Plugin } from 'graphql-yoga';
import type { ServerContext } from '../../../src/server/server-context.ts';
import {
  Payload,
  type ResultStream,
  type Sink,
  type StreamEnd,
} from '../../../src/subscriptions/result-stream.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { startGateway, type TestGateway, token } from './gateway.ts';

/** A subscription that live streams answer. */
export const SUBSCRIPTION = 'subscription { ticks }';
/** A final end, whose reason is sent to the client. */
export const STOP: StreamEnd = {
  code: 'CURSOR_EXPIRED',
  message: 'Read it again.',
  outcome: 'stop',
};
/** An end after which the client should reconnect. */
export const RESUME: StreamEnd = {
  code: 'SERVICE_UNAVAILABLE',
  message: 'Later.',
  outcome: 'resume',
};

/** A client of a live stream, as the hub would see it. */
export interface Listener {
  sink: Sink;
  /** The Last-Event-ID of the client. */
  lastEventId: string | undefined;
  variables: Record<string, unknown>;
  /** The context of the request, if it is still in memory. */
  context: WeakRef<object>;
  /** Whether the transport has reported that the client is gone. */
  gone: boolean;
  /** Whether the sink has refused a result. */
  slow: boolean;
}

export interface LiveStreams {
  /** The plugin that answers every subscription. */
  plugin: Plugin<object, ServerContext>;
  /** All clients so far, oldest first. */
  listeners: Listener[];
  /** The clients that are still connected. */
  present(): Listener[];
  /** Resolves when `count` clients are connected (default: one). */
  listening(count?: number): Promise<void>;
  /** Sends all connected clients the same result, as a group does. */
  send(data: unknown, cursor?: string): void;
  /** Ends the streams of all connected clients. */
  end(reason: StreamEnd): void;
}

const TOO_SLOW: StreamEnd = {
  code: 'TOO_SLOW',
  message: 'Too slow.',
  outcome: 'resume',
  closeCode: 1013,
};

/** Live streams whose results come from the test, to test the transports. */
export function createLiveStreams(): LiveStreams {
  const listeners: Listener[] = [];
  const present = () => listeners.filter(({ gone }) => !gone);
  const finish = (listener: Listener, reason: StreamEnd) => {
    listener.gone = true;
    listener.sink.end(reason);
  };
  return {
    listeners,
    present,
    listening: (count = 1) => eventually(() => present().length).toBe(count),
    plugin: {
      onSubscribe({ args, setSubscribeFn }) {
        const { lastEventId } = args.contextValue as ServerContext;
        const variables = args.variableValues ?? {};
        const live: ResultStream = {
          attach(sink) {
            const context = new WeakRef(args.contextValue as ServerContext);
            const listener = { sink, lastEventId, variables, context, gone: false, slow: false };
            listeners.push(listener);
            return leaving(listener);
          },
        };
        setSubscribeFn(async () => live);
      },
    },
    send(data, cursor) {
      const payload = new Payload(JSON.stringify({ data }), cursor);
      for (const listener of present()) {
        // A transport may end several at once.
        if (listener.gone || listener.sink.next(payload)) continue;
        listener.slow = true;
        finish(listener, TOO_SLOW);
      }
    },
    end(reason) {
      for (const listener of present()) finish(listener, reason);
    },
  };
}

/** A separate function, whose closure cannot keep the request in memory. */
function leaving(listener: Listener): () => void {
  return () => {
    listener.gone = true;
  };
}

/** The person of the authorization of live gateways. */
export const PERSON = '4f6b0f4e-93a8-4c3b-9a52-0f1d7c1b2a3d';

/** A gateway that answers every subscription with live streams. */
export interface LiveGateway extends TestGateway {
  database: TestDatabase;
  /** The header of `PERSON`, valid for longer than a test takes. */
  authorization: string;
  /** Closes the gateway, and the database if it is its own. */
  close(graceMs?: number): Promise<void>;
}

/** Starts a gateway with the given database, or with its own. */
export async function openLiveGateway(
  { plugin }: LiveStreams,
  shared?: TestDatabase,
  options: Parameters<typeof startGateway>[1] = {},
): Promise<LiveGateway> {
  const database = shared ?? (await createTestDatabase());
  const gateway = await startGateway(database.gatewayUrl, { plugins: [plugin], ...options });
  const exp = Math.floor(Date.now() / 1000) + 600;
  return {
    ...gateway,
    database,
    authorization: `Bearer ${await token({ sub: PERSON, exp })}`,
    async close(graceMs) {
      await gateway.close(graceMs);
      if (!shared) await database.close();
    },
  };
}
