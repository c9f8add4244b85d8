import type { Plugin } from 'graphql-yoga';
import type { ServerContext } from '../../../src/server/authentication.ts';
import {
  type LiveStream,
  Payload,
  type Sink,
  type StreamEnd,
} from '../../../src/server/subscriptions/stream.ts';

/** A client of a test's own live streams, as the hub would see it. */
export interface Listener {
  sink: Sink;
  /** What the client subscribed with. */
  lastEventId: string | undefined;
  variables: Record<string, unknown>;
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
    plugin: {
      onSubscribe({ args, setSubscribeFn }) {
        const { lastEventId } = args.contextValue as ServerContext;
        const variables = args.variableValues ?? {};
        const live: LiveStream = {
          attach(sink) {
            const listener = { sink, lastEventId, variables, gone: false, slow: false };
            listeners.push(listener);
            return () => {
              listener.gone = true;
            };
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
