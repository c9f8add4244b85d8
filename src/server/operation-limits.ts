import { EnvelopArmorPlugin } from '@escape.tech/graphql-armor';
import {
  type DocumentNode,
  type FieldNode,
  GraphQLError,
  Kind,
  Lexer,
  parse,
  type SelectionSetNode,
  Source,
  TokenKind,
  validate,
  visit,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';

/** Largest body of a request, in bytes. */
export const MAX_BODY_BYTES = 1_000_000;
/** Longest document, in characters: documents are kept for their next use. */
const MAX_DOCUMENT_LENGTH = 50_000;

/** Validation errors that are reported. Suggestions for unknown names are expensive to compute. */
const MAX_ERRORS = 10;

const LIMITS = {
  tokens: 2_000,
  nesting: 100,
  depth: 20,
  aliases: 30,
  directives: 30,
  repeats: 50,
};

/** Returns the error for an operation that is too large, with what to do about it. */
export function operationTooLarge(message: string): GraphQLError {
  return new GraphQLError(message, {
    extensions: { code: 'OPERATION_TOO_LARGE', http: { status: 400 } },
  });
}

function limit(n: number, what: string) {
  return {
    n,
    onReject: [
      () => {
        throw tooMany(n, what);
      },
    ],
  };
}

function tooMany(n: number, what: string): GraphQLError {
  return operationTooLarge(`The operation has more than ${n} ${what}. Split it into several.`);
}

/** Throws OPERATION_TOO_LARGE for a document that is longer than documents may be. */
export function assertDocumentLength(query: string): void {
  if (query.length > MAX_DOCUMENT_LENGTH) {
    throw operationTooLarge(`The document has more than ${MAX_DOCUMENT_LENGTH} characters.`);
  }
}

/** Bounds what a single operation may ask of the parser, the validator and the executor. */
export function useOperationLimits(): Plugin {
  return {
    onPluginInit({ addPlugin }) {
      addPlugin(
        EnvelopArmorPlugin({
          // Counted below, before parsing.
          maxTokens: { enabled: false },
          maxDepth: { ...limit(LIMITS.depth, 'levels of fields'), flattenFragments: true },
          maxAliases: limit(LIMITS.aliases, 'aliases'),
          maxDirectives: limit(LIMITS.directives, 'directives'),
          // Everyone who gets this far may read the schema, so errors may name its fields.
          blockFieldSuggestion: { enabled: false },
          costLimit: { enabled: false },
        }),
      );
    },
    onParse({ setParseFn }) {
      setParseFn((source, options) => {
        assertTokens(source);
        return parse(source, options);
      });
    },
    onValidate({ setValidationFn }) {
      setValidationFn((schema, document, rules) => {
        assertFewRepeats(document);
        return validate(schema, document, rules, { maxErrors: MAX_ERRORS });
      });
    },
    onParams({ params }) {
      if (typeof params.query === 'string') assertDocumentLength(params.query);
    },
  };
}

const OPENING: readonly string[] = [TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L];
const CLOSING: readonly string[] = [TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R];

/**
 * Throws OPERATION_TOO_LARGE for too many tokens (comments do not count) or for brackets that are
 * nested too deeply: the parser is recursive and would overflow the stack.
 */
function assertTokens(source: string | Source): void {
  const lexer = new Lexer(typeof source === 'string' ? new Source(source) : source);
  let tokens = 0;
  let nesting = 0;
  for (let { kind } = lexer.advance(); kind !== TokenKind.EOF; { kind } = lexer.advance()) {
    tokens += 1;
    if (OPENING.includes(kind)) nesting += 1;
    else if (CLOSING.includes(kind)) nesting -= 1;
    if (tokens > LIMITS.tokens) throw tooMany(LIMITS.tokens, 'tokens');
    if (nesting > LIMITS.nesting) throw tooMany(LIMITS.nesting, 'levels of brackets');
  }
}

/** Throws OPERATION_TOO_LARGE if a selection repeats a field too often: validation compares all pairs. */
function assertFewRepeats(document: DocumentNode): void {
  visit(document, {
    SelectionSet(set) {
      const counts = new Map<string, number>();
      for (const { alias, name } of fieldsIn(set)) {
        const key = (alias ?? name).value;
        const count = (counts.get(key) ?? 0) + 1;
        counts.set(key, count);
        if (count > LIMITS.repeats) {
          throw operationTooLarge(
            `The operation asks for "${key}" more than ${LIMITS.repeats} times in one selection. Once is enough.`,
          );
        }
      }
    },
  });
}

/** The fields of a selection, including those of inline fragments. */
function fieldsIn({ selections }: SelectionSetNode): FieldNode[] {
  return selections.flatMap((selection) => {
    if (selection.kind === Kind.FIELD) return [selection];
    return selection.kind === Kind.INLINE_FRAGMENT ? fieldsIn(selection.selectionSet) : [];
  });
}

/**
 * Accepts POST bodies as JSON only. Pages of other origins cannot send JSON without a preflight.
 */
export function useJsonBodies(): Plugin {
  return {
    onRequestParse({ request }) {
      if (request.method === 'POST') assertJsonBody(request);
    },
  };
}

/** Throws BAD_REQUEST for a body that is not plain JSON, as far as the headers say. */
export function assertJsonBody({ headers }: Request): void {
  const type = headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw unsupported('The body must be JSON: send content-type: application/json.');
  }
  if ((headers.get('content-encoding') || 'identity') !== 'identity') {
    throw unsupported('The body must not be compressed.');
  }
}

function unsupported(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status: 415 } } });
}
