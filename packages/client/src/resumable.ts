import { backoff } from './connecting.ts';
import { resultsOf } from './results.ts';

/** What is sent to subscribe; the types of graphql-ws and graphql-sse fit. */
export interface SubscriptionPayload {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
}

export interface SubscriptionResult {
  data?: unknown;
  errors?: unknown;
}

export interface SubscriptionSink {
  next(result: SubscriptionResult): void;
  error(error: unknown): void;
  complete(): void;
}

/** The part of a client that is needed: that of graphql-ws has it, and that of graphql-sse. */
export interface SubscriptionClient {
  /** Subscribes until the returned function is called; reads `variables` at each (re)connect. */
  subscribe(payload: SubscriptionPayload, sink: SubscriptionSink, ...rest: unknown[]): () => void;
}

export interface ResumeOptions {
  /** Called with each cursor once its result has been handed over: to keep it over page loads. */
  onCursor?(cursor: string, payload: SubscriptionPayload): void;
  /**
   * Called when a cursor cannot be gone on from: read the list again and return its `liveCursor`.
   * Left out, the subscription ends with the error CURSOR_EXPIRED.
   */
  onExpired?(payload: SubscriptionPayload): string | Promise<string>;
}

/** Errors of an operation that pass by themselves. */
const TRANSIENT = ['SERVICE_UNAVAILABLE', 'TIMEOUT', 'TOO_MANY_REQUESTS'];

/**
 * Returns the client, but that its subscriptions go on where they stopped whenever it reconnects. A
 * subscription takes the variable `$after` and selects `cursor`; one that does not ends with a
 * TypeError. Queries and live queries have no cursor: send them through the client itself.
 */
export function resumable<C extends SubscriptionClient>(client: C, options: ResumeOptions = {}): C {
  const { onCursor, onExpired } = options;
  const subscribe: SubscriptionClient['subscribe'] = (payload, sink, ...rest) => {
    let after = payload.variables?.after;
    // Clients write the same object down at each connect, and read the getter anew.
    const variables = {
      ...payload.variables,
      get after() {
        return after;
      },
    };
    let failures = 0;
    let stopped = false;
    let stop = () => {};

    /** What has to be done before subscribing again; undefined where that is of no use. */
    const recovery = (error: unknown) => {
      const codes = codesOf(error);
      if (onExpired && codes.includes('CURSOR_EXPIRED')) {
        return async () => {
          after = await onExpired(payload);
        };
      }
      return codes.some((code) => TRANSIENT.includes(code)) ? () => backoff(failures++) : undefined;
    };
    const restart = async (recover: () => Promise<void>) => {
      try {
        await recover();
      } catch (error) {
        sink.error(error);
        return;
      }
      if (stopped) sink.complete();
      else start();
    };
    const start = () => {
      let over = false;
      const end = (then: () => void) => {
        if (over) return;
        over = true;
        // The server's word that it is over may come along with its last result: graphql-ws counts a
        // subscription twice that is stopped in between, and gives up others for that.
        queueMicrotask(stop);
        then();
      };
      const fail = (error: unknown) => {
        const recover = recovery(error);
        end(() => (recover ? void restart(recover) : sink.error(error)));
      };
      const unsubscribe = client.subscribe(
        { ...payload, variables },
        {
          next(result) {
            if (over) return;
            const { data, errors } = result;
            const cursor = cursorOf(data);
            if (!data && recovery(errors)) fail(errors);
            else if (data && cursor === undefined) fail(new TypeError(NO_CURSOR));
            else {
              sink.next(result);
              if (cursor === undefined) return;
              after = cursor;
              failures = 0;
              onCursor?.(cursor, payload);
            }
          },
          error: fail,
          complete: () => end(() => sink.complete()),
        },
        ...rest,
      );
      if (over) unsubscribe();
      else stop = unsubscribe;
    };

    if (/\$after\b/.test(payload.query)) start();
    else sink.error(new TypeError(NO_VARIABLE));
    return () => {
      stopped = true;
      stop();
    };
  };
  const iterate = (payload: SubscriptionPayload, ...rest: unknown[]) =>
    resultsOf((sink) => subscribe(payload, sink, ...rest));
  return Object.assign(Object.create(client) as C, { subscribe, iterate });
}

const NO_CURSOR = 'Select `cursor`, without which the subscription cannot be resumed.';
const NO_VARIABLE = 'Give the subscription the variable `$after`, by which it is resumed.';

function cursorOf(data: unknown): string | undefined {
  const [field] = Object.values(Object(data)) as ({ cursor?: unknown } | null)[];
  return typeof field?.cursor === 'string' ? field.cursor : undefined;
}

/** Errors come as a list or, from Apollo, as an error that has one. */
function codesOf(error: unknown): string[] {
  const errors: unknown = Array.isArray(error) ? error : Object(error).errors;
  return Array.isArray(errors) ? errors.map((each) => String(Object(each).extensions?.code)) : [];
}
