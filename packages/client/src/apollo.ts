import { ApolloLink, Observable } from '@apollo/client';
import {
  graphQLResultHasProtocolErrors,
  PROTOCOL_ERRORS_SYMBOL,
  ServerError,
} from '@apollo/client/errors';
import { print } from '@apollo/client/utilities';
import { backoff } from './connecting.ts';
import {
  type ResumeOptions,
  resumable,
  type SubscriptionClient,
  type SubscriptionSink,
} from './resumable.ts';

/** After a connection that lasted this long, the next attempt to connect is the first one again. */
const LASTING_MS = 30_000;

/**
 * Returns a link for subscriptions over HTTP, to put before Apollo's HttpLink: they connect again
 * when they are cut, and resume where they stopped. They need what `resumable` needs.
 */
export function resumeLink(options: ResumeOptions = {}): ApolloLink {
  return new ApolloLink((operation, forward) => {
    const client: SubscriptionClient = {
      subscribe({ variables }, sink) {
        operation.variables = variables ?? {};
        return reconnecting(() => forward(operation), sink);
      },
    };
    const payload = { query: print(operation.query), variables: operation.variables };
    return new Observable((observer) => resumable(client, options).subscribe(payload, observer));
  });
}

/** Subscribes again whenever the connection is lost, until the returned function is called. */
function reconnecting(
  connect: () => Observable<ApolloLink.Result>,
  sink: SubscriptionSink,
): () => void {
  let stopped = false;
  let stop = () => {};
  const attempt = (retries: number) => {
    if (stopped) return;
    const begun = Date.now();
    let received = false;
    const subscription = connect().subscribe({
      next(result) {
        received = true;
        // The server's last word, which Apollo hides among the extensions.
        if (graphQLResultHasProtocolErrors(result)) {
          sink.error(result.extensions[PROTOCOL_ERRORS_SYMBOL]);
        } else sink.next(result);
      },
      error(error) {
        if (ServerError.is(error) && !isPassing(error)) return sink.error(error);
        const next = received || Date.now() - begun > LASTING_MS ? 0 : retries;
        void backoff(next).then(() => attempt(next + 1));
      },
      complete: () => sink.complete(),
    });
    stop = () => subscription.unsubscribe();
  };
  attempt(0);
  return () => {
    stopped = true;
    stop();
  };
}

/** Whether the same request may be taken a moment later. */
function isPassing({ statusCode, bodyText }: ServerError): boolean {
  return statusCode >= 500 || (statusCode === 429 && bodyText.includes('TOO_MANY_REQUESTS'));
}
