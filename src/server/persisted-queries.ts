import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';

/** What a client sends of an operation. */
interface Params {
  query?: string | null | undefined;
  extensions?: Readonly<Record<string, unknown>> | null | undefined;
}

/**
 * Throws PERSISTED_QUERY_NOT_SUPPORTED for an operation that is sent as the hash of its document
 * only. Apollo's clients send the document then, and no further hashes.
 */
export function assertDocumentSent({ query, extensions }: Params): void {
  if (query || !Object(extensions).persistedQuery) return;
  // Clients compare the message with this one.
  throw new GraphQLError('PersistedQueryNotSupported', {
    extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' },
  });
}

/** Tells clients that ask for a persisted query that there are none. */
export function usePersistedQueryRefusal(): Plugin {
  return { onParams: ({ params }) => assertDocumentSent(params) };
}
