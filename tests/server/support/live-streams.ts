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

/** Asks for what live streams tell. */
export const SUBSCRIPTION = 'subscription { ticks }';
/** An end for good, of which the client is told. */
export const STOP: StreamEnd = {
  code: 'CURSOR_EXPIRED',
  message: 'Read it again.',
  outcome: 'stop',
};
/** An end after which the client is to come again. */
export const RESUME: StreamEnd = {
  code: 'SERVICE_UNAVAILABLE',
  message: 'Later.',
  outcome: 'resume',
};

/** A client of a test's own live streams, as the hub would see it. */
export interface Listener {
  sink: Sink;
  /** What the client subscribed with. */
  lastEventId: string | undefined;
  variables: Record<string, unknown>;
  /** The context of the request, as long as anything holds it. */
  context: WeakRef<object>;
  /** Whether the transport has said that the client is gone. */
  gone: boolean;
  /** Set once the sink has refused a result. */
  slow: boolean;
}

export interface LiveStreams {
  /** Answers every subscription. */
  plugin: Plugin<object, ServerContext>;
  /** All that ever were, oldest first. */
  listeners: Listener[];
  /** Those whose clients are there. */
  present(): Listener[];
  /** Resolves when so many clients are there: one, unless told otherwise. */
  listening(count?: number): Promise<void>;
  /** Tells all who are there the same result, as a group does. */
  tell(data: unknown, cursor?: string): void;
  /** Ends the streams of all who are there. */
  end(reason: StreamEnd): void;
}

const TOO_SLOW: StreamEnd = {
  code: 'TOO_SLOW',
  message: 'Too slow.',
  outcome: 'resume',
  closeCode: 1013,
};

/** Live streams that a test feeds itself: the transports are what is tested. */
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
    tell(data, cursor) {
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

/** Made where nothing of the request is in sight, or it would hold that. */
function leaving(listener: Listener): () => void {
  return () => {
    listener.gone = true;
  };
}

/** Whom the authorization of live gateways is of. */
export const PERSON = '4f6b0f4e-93a8-4c3b-9a52-0f1d7c1b2a3d';

/** A gateway that answers every subscription with live streams. */
export interface LiveGateway extends TestGateway {
  database: TestDatabase;
  /** The header of `PERSON`, for longer than tests take. */
  authorization: string;
  /** Closes the gateway, and the database unless it was given. */
  close(graceMs?: number): Promise<void>;
}

/** Starts a gateway over the database: over one of its own, unless told otherwise. */
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
