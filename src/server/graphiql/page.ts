import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { examples } from './examples.ts';

/** How the page may be compressed, as `accept-encoding` names it; the smallest first. */
export const ENCODINGS = ['br', 'gzip', 'identity'] as const;
export type PageEncoding = (typeof ENCODINGS)[number];

/** The page, ready to be sent. */
export interface Page {
  /** Its entity tag: weak, since it is the same for all encodings. */
  tag: string;
  /** Returns the page in an encoding, which is made once. */
  as(encoding: PageEncoding): Promise<Uint8Array<ArrayBuffer>>;
}

type Bytes = Uint8Array<ArrayBuffer>;

/** Beyond these, much more time makes the page little smaller. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };
const GZIP = { level: 6 };

/** Returns the page, which sends these headers with each request unless its user sets them. */
export async function renderPage(headers: Record<string, string>): Promise<Page> {
  // 9 MB of script, which nobody should wait for who does not open the page.
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const source = renderGraphiQL({
    title: 'Codex Gateway',
    additionalHeaders: headers,
    defaultTabs: examples.map(({ query, variables }) => ({
      query,
      ...(variables ? { variables: JSON.stringify(variables, null, 2) } : {}),
    })),
    defaultEditorToolsVisibility: false,
    ...{ subscriptionsProtocol: PROTOCOL as 'WS', connectionParams: CONNECTION_PARAMS },
  })
    .replace(JSON.stringify(PROTOCOL), () => protocol)
    .replace(JSON.stringify(CONNECTION_PARAMS), () => connectionParams(headers));
  const identity = new TextEncoder().encode(source);
  const made = new Map<PageEncoding, Promise<Bytes>>([['identity', Promise.resolve(identity)]]);
  return {
    tag: `W/"${createHash('sha256').update(identity).digest('base64url')}"`,
    as(encoding) {
      const bytes = made.get(encoding) ?? compress(identity, encoding);
      made.set(encoding, bytes);
      return bytes;
    },
  };
}

async function compress(bytes: Bytes, encoding: PageEncoding): Promise<Bytes> {
  return new Uint8Array(
    encoding === 'br'
      ? await promisify(brotliCompress)(bytes, BROTLI)
      : await promisify(gzip)(bytes, GZIP),
  );
}

/** Stand for expressions, which options as JSON cannot hold. */
const PROTOCOL = 'the protocol that the address names';
const CONNECTION_PARAMS = 'the headers of the page and of its user';

const protocol =
  "new URLSearchParams(location.search).get('subscriptions') === 'ws' ? 'WS' : 'SSE'";

/** Browsers send no headers with a WebSocket: what was typed goes into its first message. */
function connectionParams(headers: Record<string, string>): string {
  return `() => {
    const { tabs = [], activeTabIndex } = JSON.parse(localStorage.getItem('graphiql:tabState') ?? '{}');
    return { ...${JSON.stringify(headers)}, ...JSON.parse(tabs[activeTabIndex]?.headers || '{}') };
  }`;
}
