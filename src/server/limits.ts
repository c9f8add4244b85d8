import { EnvelopArmorPlugin } from '@escape.tech/graphql-armor';
import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';

/** Largest body of a request, in bytes. */
export const MAX_BODY_BYTES = 1_000_000;
/** Longest document, in characters: documents are kept for their next use. */
const MAX_DOCUMENT_LENGTH = 50_000;
/** Longest variables, in characters, that are kept as long as their subscription. */
const MAX_KEPT_VARIABLES = 100_000;

const LIMITS = { tokens: 2_000, depth: 20, aliases: 30, directives: 30 };

function refuse(message: string, status = 400): never {
  throw new GraphQLError(message, {
    extensions: { code: 'OPERATION_TOO_LARGE', http: { status } },
  });
}

function limit(n: number, what: string) {
  return {
    n,
    onReject: [() => refuse(`The operation has more than ${n} ${what}. Split it into several.`)],
  };
}

/**
 * Throws OPERATION_TOO_LARGE for variables, as JSON, that are longer than those of a subscription or
 * a live query may be.
 */
export function assertKeptVariables(json: string): void {
  if (json.length > MAX_KEPT_VARIABLES) {
    refuse(`The variables of what is kept open have more than ${MAX_KEPT_VARIABLES} characters.`);
  }
}

/** Throws OPERATION_TOO_LARGE for a document that is longer than documents may be. */
export function assertDocumentLength(query: string): void {
  if (query.length > MAX_DOCUMENT_LENGTH) {
    refuse(`The document has more than ${MAX_DOCUMENT_LENGTH} characters.`);
  }
}

/** Bounds what a single operation may ask of the parser, the validator and the executor. */
export function useOperationLimits(): Plugin {
  return {
    onPluginInit({ addPlugin }) {
      addPlugin(
        EnvelopArmorPlugin({
          maxTokens: limit(LIMITS.tokens, 'tokens'),
          maxDepth: { ...limit(LIMITS.depth, 'levels of fields'), flattenFragments: true },
          maxAliases: limit(LIMITS.aliases, 'aliases'),
          maxDirectives: limit(LIMITS.directives, 'directives'),
          // Everybody who gets this far may read the schema, and sees its cost in the schema's terms.
          blockFieldSuggestion: { enabled: false },
          costLimit: { enabled: false },
        }),
      );
    },
    onParams({ params }) {
      if (typeof params.query === 'string') assertDocumentLength(params.query);
    },
  };
}

/**
 * Takes POST bodies as JSON only: that a page of another origin cannot send without asking first.
 */
export function useJsonBodies(): Plugin {
  return {
    onRequestParse({ request }) {
      const type = request.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
      if (request.method === 'POST' && type !== 'application/json') {
        throw new GraphQLError('The body must be JSON: send content-type: application/json.', {
          extensions: { code: 'BAD_REQUEST', http: { status: 415 } },
        });
      }
    },
  };
}
