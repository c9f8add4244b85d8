import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';

/** The parameters of an operation that matter here. */
interface Params {
  query?: string | null | undefined;
  extensions?: Readonly<Record<string, unknown>> | null | undefined;
}

/**
 * Throws PERSISTED_QUERY_NOT_SUPPORTED if the client sent only the hash of a document. Apollo clients
 * then send the document itself and stop sending hashes.
 */
export function assertDocumentSent({ query, extensions }: Params): void {
  if (query || !Object(extensions).persistedQuery) return;
  // Some clients check this exact message.
  throw new GraphQLError('PersistedQueryNotSupported', {
    extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' },
  });
}

/** Refuses persisted queries, which are not supported. */
export function usePersistedQueryRefusal(): Plugin {
  return { onParams: ({ params }) => assertDocumentSent(params) };
}
