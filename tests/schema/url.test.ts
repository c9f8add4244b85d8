import { GraphQLError } from 'graphql';
import { describe, expect, it } from 'vitest';
import { parseUrl } from '../../src/schema/url.ts';

const letters = (length: number) =>
  Array.from({ length }, (_, n) => String.fromCodePoint(0x4e00 + ((n * 7919) % 20_000))).join('');

describe('a URL is normalised', () => {
  it.each([
    ['https://example.com', 'https://example.com/'],
    [' https://EXAMPLE.com/a b?c=ü#d ', 'https://example.com/a%20b?c=%C3%BC#d'],
    ['https://bücher.example/', 'https://xn--bcher-kva.example/'],
    ['https://user:secret@example.com:8443/', 'https://user:secret@example.com:8443/'],
    ['mailto:somebody@example.com', 'mailto:somebody@example.com'],
    [`https://example.com/${'x'.repeat(7_900)}`, `https://example.com/${'x'.repeat(7_900)}`],
  ])('%s', (given, normal) => {
    expect(parseUrl(given)).toBe(normal);
  });
});

// The time to encode a host grows with the square of its length: a second for 70,000 letters.
describe('a URL is refused before its host is encoded', () => {
  it.each([
    ['//', `https://${letters(501)}`],
    ['no slashes', `https:${letters(501)}`],
    ['other slashes', `http:\\\\${letters(501)}`],
    ['many slashes', `WSS:////${letters(501)}/path`],
    ['a name in front of it', `ftp://name@${letters(501)}`],
    ['a break in its scheme', `ht\ntps://${letters(501)}`],
    ['a break in front of it', `\thttps://\n${letters(501)}`],
    ['a path', `https://example.com/${letters(8_000)}`],
  ])('%s', (_, given) => {
    expect(() => parseUrl(given)).toThrow(GraphQLError);
  });
});

describe('other texts are refused', () => {
  it.each([
    '',
    'example.com',
    '/path',
    'https://',
    'http://[::1',
    'https://example.com:99999',
    7,
    null,
  ])('%j', (given) => {
    expect(() => parseUrl(given)).toThrow(/A URL is an absolute address/);
  });
});
