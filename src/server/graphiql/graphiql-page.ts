import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { examples } from './examples.ts';

/** Content encodings of the page, smallest first. */
export const ENCODINGS = ['br', 'gzip', 'identity'] as const;
export type PageEncoding = (typeof ENCODINGS)[number];

/** The rendered page. */
export interface Page {
  /** The ETag. It is weak because all encodings share it. */
  tag: string;
  /** Returns the page in an encoding. Each encoding is compressed once. */
  as(encoding: PageEncoding): Promise<Uint8Array<ArrayBuffer>>;
}

type Bytes = Uint8Array<ArrayBuffer>;

/** Higher levels take much longer for a slightly smaller page. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };
const GZIP = { level: 6 };

/** Renders the page. It sends these headers with each request, unless its user overrides them. */
export async function renderPage(headers: Record<string, string>): Promise<Page> {
  // 9 MB of script: loaded only when the page is first opened.
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

/** Placeholders for JavaScript expressions, which the JSON options cannot hold. */
const PROTOCOL = 'placeholder of the protocol';
const CONNECTION_PARAMS = 'placeholder of the connection parameters';

const protocol =
  "new URLSearchParams(location.search).get('subscriptions') === 'ws' ? 'WS' : 'SSE'";

/** Browsers cannot set headers on a WebSocket: they are sent in its first message instead. */
function connectionParams(headers: Record<string, string>): string {
  return `() => {
    const { tabs = [], activeTabIndex } = JSON.parse(localStorage.getItem('graphiql:tabState') ?? '{}');
    return { ...${JSON.stringify(headers)}, ...JSON.parse(tabs[activeTabIndex]?.headers || '{}') };
  }`;
}
