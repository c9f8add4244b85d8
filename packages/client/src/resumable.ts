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
   * Called when a cursor cannot be resumed from: read the list again and return its `liveCursor`.
   * Left out, the subscription ends with the error CURSOR_EXPIRED.
   */
  onExpired?(payload: SubscriptionPayload): string | Promise<string>;
}

/** Errors of an operation that pass by themselves. */
const TRANSIENT = ['SERVICE_UNAVAILABLE', 'TIMEOUT', 'TOO_MANY_REQUESTS'];

/**
 * Returns the client with subscriptions that resume where they stopped whenever it reconnects. A
 * subscription takes the variable `$after` and selects `cursor`; one that does not ends with a
 * TypeError. Queries and live queries have no cursor: send them through the client itself.
 */
export function resumable<C extends SubscriptionClient>(client: C, options: ResumeOptions = {}): C {
  const subscribe: SubscriptionClient['subscribe'] = (payload, sink, ...rest) => {
    if (!/\$after\b/.test(payload.query)) {
      sink.error(new TypeError(NO_VARIABLE));
      return () => {};
    }
    const subscription = new ResumedSubscription(payload, sink, options, (each, eachSink) =>
      client.subscribe(each, eachSink, ...rest),
    );
    subscription.start();
    return () => subscription.stop();
  };
  const iterate = (payload: SubscriptionPayload, ...rest: unknown[]) =>
    resultsOf((sink) => subscribe(payload, sink, ...rest));
  return Object.assign(Object.create(client) as C, { subscribe, iterate });
}

type Subscribe = (payload: SubscriptionPayload, sink: SubscriptionSink) => () => void;

/** One subscription, which is begun again after its last cursor. */
class ResumedSubscription {
  readonly #payload: SubscriptionPayload;
  readonly #sink: SubscriptionSink;
  readonly #options: ResumeOptions;
  readonly #subscribe: Subscribe;
  readonly #variables: Readonly<Record<string, unknown>>;
  #after: unknown;
  #failures = 0;
  #isStopped = false;
  #unsubscribe = () => {};

  constructor(
    payload: SubscriptionPayload,
    sink: SubscriptionSink,
    options: ResumeOptions,
    subscribe: Subscribe,
  ) {
    this.#payload = payload;
    this.#sink = sink;
    this.#options = options;
    this.#subscribe = subscribe;
    this.#after = payload.variables?.after;
    const after = () => this.#after;
    // Clients write the same object down at each connect, and read the getter again.
    this.#variables = {
      ...payload.variables,
      get after() {
        return after();
      },
    };
  }

  start(): void {
    let over = false;
    const end = (then: () => void) => {
      if (over) return;
      over = true;
      // The server may report the end along with the last result: graphql-ws counts a
      // subscription twice that is stopped in between, and gives up others for that.
      queueMicrotask(this.#unsubscribe);
      then();
    };
    const fail = (error: unknown) => {
      const recover = this.#recovery(error);
      end(() => (recover ? void this.#restart(recover) : this.#sink.error(error)));
    };
    const unsubscribe = this.#subscribe(
      { ...this.#payload, variables: this.#variables },
      {
        next: (result) => {
          if (!over) this.#next(result, fail);
        },
        error: fail,
        complete: () => end(() => this.#sink.complete()),
      },
    );
    if (over) unsubscribe();
    else this.#unsubscribe = unsubscribe;
  }

  stop(): void {
    this.#isStopped = true;
    this.#unsubscribe();
  }

  #next(result: SubscriptionResult, fail: (error: unknown) => void): void {
    const { data, errors } = result;
    const cursor = cursorOf(data);
    if (!data && this.#recovery(errors)) fail(errors);
    else if (data && cursor === undefined) fail(new TypeError(NO_CURSOR));
    else {
      this.#sink.next(result);
      if (cursor === undefined) return;
      this.#after = cursor;
      this.#failures = 0;
      this.#options.onCursor?.(cursor, this.#payload);
    }
  }

  /** What has to be done before subscribing again; undefined if a new attempt would fail too. */
  #recovery(error: unknown): (() => Promise<void>) | undefined {
    const { onExpired } = this.#options;
    const codes = codesOf(error);
    if (onExpired && codes.includes('CURSOR_EXPIRED')) {
      return async () => {
        this.#after = await onExpired(this.#payload);
      };
    }
    if (!codes.some((code) => TRANSIENT.includes(code))) return undefined;
    return () => backoff(this.#failures++);
  }

  async #restart(recover: () => Promise<void>): Promise<void> {
    try {
      await recover();
    } catch (error) {
      this.#sink.error(error);
      return;
    }
    if (this.#isStopped) this.#sink.complete();
    else this.start();
  }
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
