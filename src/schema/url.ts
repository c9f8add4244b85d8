import { GraphQLError } from 'graphql';

/** The limit of common servers. */
const MAX_LENGTH = 8_000;
/** A host has up to 253 characters; there may also be a name, a password and a port. */
const MAX_AUTHORITY_LENGTH = 500;
/** The part of an address whose letters are encoded, in quadratic time. */
const AUTHORITY = /^(?:https?|wss?|ftp|file):[/\\]*([^/\\?#]*)/i;
/** Characters that parsing removes anywhere in an address. */
const LINE_BREAKS = /[\t\n\r]/;

/** Returns an absolute address in its normal form. Throws GraphQLError for any other text. */
export function parseUrl(value: unknown): string {
  if (typeof value !== 'string') throw noUrl();
  const text = value.trim();
  if (text.length > MAX_LENGTH) {
    throw new GraphQLError(`A URL has at most ${MAX_LENGTH} characters.`);
  }
  const [, authority = ''] = AUTHORITY.exec(text) ?? [];
  if (LINE_BREAKS.test(text) || authority.length > MAX_AUTHORITY_LENGTH) throw noUrl();
  try {
    return new URL(text).href;
  } catch {
    throw noUrl();
  }
}

function noUrl(): GraphQLError {
  return new GraphQLError('A URL is an absolute address, such as "https://example.com/page".');
}
