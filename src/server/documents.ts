import { type DocumentNode, type Token, TokenKind } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';

const MAX_BYTES = 32 * 1024 * 1024;
/** What a token of a document takes, with all that is made of it, at most. */
const BYTES_PER_TOKEN = 640;
const BYTES_PER_CHARACTER = 2;

/**
 * Keeps documents that were parsed and found valid for their next use, the least recently used given
 * up beyond `maxBytes`. Those that are refused are not kept, nor why.
 */
export function useDocumentCache(maxBytes = MAX_BYTES): Plugin {
  const documents = new LRUCache<string, DocumentNode>({ maxSize: maxBytes });
  const parsed = new WeakMap<DocumentNode, { text: string; size: number }>();
  const valid = new WeakSet<DocumentNode>();
  return {
    onParse({ params: { source }, setParsedDocument }) {
      const text = String(source);
      const known = documents.get(text);
      if (known) {
        setParsedDocument(known);
        return undefined;
      }
      return ({ result }) => {
        if (!result || result instanceof Error) return;
        const size = BYTES_PER_CHARACTER * text.length + BYTES_PER_TOKEN * cutTokens(result);
        parsed.set(result, { text, size });
      };
    },
    onValidate({ params: { documentAST }, setResult }) {
      if (valid.has(documentAST)) {
        setResult([]);
        return undefined;
      }
      return ({ valid: isValid }) => {
        const known = parsed.get(documentAST);
        if (!isValid || !known) return;
        valid.add(documentAST);
        documents.set(known.text, documentAST, { size: known.size });
      };
    },
  };
}

/**
 * Takes a document's tokens apart and returns how many it has, comments not counted. As a chain they
 * would all be kept for the few that its nodes refer to, and comments are up to 25,000.
 */
function cutTokens({ loc }: DocumentNode): number {
  let count = 0;
  for (let token: Token | null = loc?.startToken ?? null; token; ) {
    if (token.kind !== TokenKind.COMMENT) count += 1;
    const { next }: Token = token;
    Object.assign(token, { prev: null, next: null });
    token = next;
  }
  return count;
}
