import { type DocumentNode, type Token, TokenKind } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';

const MAX_BYTES = 32 * 1024 * 1024;
/** Upper bound for the memory of one token, including its nodes and what is derived from them. */
const BYTES_PER_TOKEN = 640;
const BYTES_PER_CHARACTER = 2;

/** Valid parsed documents by their texts. */
export type DocumentCache = LRUCache<string, DocumentNode>;

/** Returns a cache of up to `maxBytes`; the least recently used documents are evicted. */
export function createDocumentCache(maxBytes = MAX_BYTES): DocumentCache {
  return new LRUCache({ maxSize: maxBytes });
}

/**
 * Keeps valid parsed documents. Those that fail to parse or validate are not kept, and neither are
 * their errors.
 */
export function useDocumentCache(documents: DocumentCache): Plugin {
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
 * Unlinks the tokens of a document and returns their number, without comments. The nodes refer to
 * few tokens. Each token links to its neighbours, so all of them would stay in memory, and a
 * document may have 25,000 comments.
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
