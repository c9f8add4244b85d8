import { get, type IncomingHttpHeaders } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startGateway, type TestGateway } from './support/gateway.ts';

/** How often the headers of the page were created. They change each time. */
let headersMade = 0;
const headers = async () => {
  headersMade += 1;
  return { Authorization: `Bearer ${headersMade} of-the-demo` };
};

let database: TestDatabase;
/** A gateway whose page has headers, and one whose page has none. */
let demo: TestGateway;
let plain: TestGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  demo = await startGateway(database.gatewayUrl, { graphiql: { headers } });
  plain = await startGateway(database.gatewayUrl, { graphiql: {} });
});
afterAll(async () => {
  await Promise.all([demo?.close(), plain?.close()]);
  await database?.close();
});

const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

interface Received {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  bytes: Buffer;
}

/** Opens the page without decoding, unlike `fetch`. Reads the body only if `isRead`. */
function open(
  { url }: TestGateway,
  more: Record<string, string> = {},
  isRead = true,
): Promise<Received> {
  return new Promise((resolve, reject) => {
    get(`${url}/graphql`, { headers: { ...browser, ...more } }, async (response) => {
      const { statusCode: status, headers } = response;
      if (!isRead) response.destroy();
      const bytes = isRead ? Buffer.concat(await response.toArray()) : Buffer.alloc(0);
      resolve({ status, headers, bytes });
    }).on('error', reject);
  });
}

describe('GraphiQL', () => {
  it('redirects only browsers to the page from the root', async () => {
    const redirected = await demo.send('/', { headers: browser, redirect: 'manual' });
    expect(redirected.status).toBe(302);
    expect(redirected.headers.get('location')).toBe('/graphql');
    expect((await demo.send('/', { redirect: 'manual' })).status).toBe(404);
  });

  it("contains no token under a host name other than this machine's", async () => {
    const rebound = await open(demo, { host: 'rebound.example', 'accept-encoding': 'identity' });
    expect(rebound.status).toBe(200);
    expect(rebound.bytes.toString()).not.toContain('of-the-demo');
  });

  it('is shown to browsers with the given headers, and loads nothing from other servers', async () => {
    const page = await demo.send('/graphql', { headers: browser });
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    expect(page.headers.get('content-security-policy')).toContain("connect-src 'self'");
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.text).toContain('<title>Codex Gateway</title>');
    expect(page.text).toContain('of-the-demo');
    expect(page.text).toContain('query Viewer');
    expect(page.text).not.toMatch(/<(script|link)[^>]+(src|href)="?https?:/);

    const { status } = await demo.send('/graphql?query={me}', {
      headers: { accept: 'application/json' },
    });
    expect(status).toBe(401);
  });

  it('subscribes over server-sent events, or over a WebSocket that sends the headers first', async () => {
    const { text } = await demo.send('/graphql?subscriptions=ws', { headers: browser });
    const options = text.slice(text.lastIndexOf('"subscriptionsProtocol":'));
    const [, protocol] = /^"subscriptionsProtocol":(.+?),"connectionParams":/.exec(options) ?? [];
    const protocolAt = (search: string) =>
      new Function('location', `return ${protocol};`)({ search });
    expect(protocolAt('')).toBe('SSE');
    expect(protocolAt('?subscriptions=ws')).toBe('WS');
    const [, source] = /,"connectionParams":([\s\S]+?\n {2}\})\}/.exec(options) ?? [];
    const call = new Function('localStorage', `return (${source})();`);
    const typed = (state: object | null) => ({
      getItem: (key: string) =>
        key === 'graphiql:tabState' && state ? JSON.stringify(state) : null,
    });
    const ours = { Authorization: expect.stringMatching(/of-the-demo$/) };
    expect(call(typed(null))).toEqual(ours);
    const tabs = [
      { headers: '' },
      { headers: null },
      { headers: '{"Authorization": "Bearer mine", "x-workspace-id": "here"}' },
    ];
    for (const activeTabIndex of [0, 1]) {
      expect(call(typed({ tabs, activeTabIndex }))).toEqual(ours);
    }
    expect(call(typed({ tabs, activeTabIndex: 2 }))).toEqual({
      Authorization: 'Bearer mine',
      'x-workspace-id': 'here',
    });
  });

  it.each([
    ['gzip, deflate, br, zstd', 'br'],
    ['br', 'br'],
    ['gzip, deflate', 'gzip'],
    ['gzip;q=1, br;q=0.5', 'gzip'],
    ['GZIP', 'gzip'],
    ['*', 'br'],
    ['br;q=0, *', 'gzip'],
    ['deflate', undefined],
    ['identity', undefined],
    ['gzip;q=0, br;q=0', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('is sent for accept-encoding %s as %s', async (accepted, encoding) => {
    const given = accepted === undefined ? {} : { 'accept-encoding': accepted };
    const { headers } = await open(plain, given, false);
    expect(headers['content-encoding']).toBe(encoding);
    expect(headers.vary).toBe('accept, accept-encoding');
  });

  it.each([
    ['br', brotliDecompressSync],
    ['gzip', gunzipSync],
    ['identity', (bytes: Buffer) => bytes],
  ])('is complete in %s', async (encoding, decoded) => {
    const text = String(decoded((await open(plain, { 'accept-encoding': encoding })).bytes)).trim();
    expect(text.startsWith('<!doctype html>')).toBe(true);
    expect(text.endsWith('</html>')).toBe(true);
  });

  it('can be cached by browsers if it contains no token, until it changes', async () => {
    const { headers } = await open(plain, {}, false);
    expect(headers['cache-control']).toBe('no-cache');
    const again = await open(plain, { 'if-none-match': `"other", ${headers.etag}` });
    expect(again.status).toBe(304);
    expect(again.bytes).toHaveLength(0);
    expect(again.headers.vary).toBe('accept, accept-encoding');
    expect((await open(plain, { 'if-none-match': '"other"' }, false)).status).toBe(200);
  });

  it('is rendered once, and with new headers after an hour', async () => {
    const before = await open(demo, {}, false);
    const made = headersMade;
    await Promise.all([open(demo, {}, false), open(demo, { 'accept-encoding': 'gzip' }, false)]);
    expect(headersMade).toBe(made);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61 * 60 * 1_000 });
    try {
      const [after, beside] = await Promise.all([open(demo, {}, false), open(demo, {}, false)]);
      expect(headersMade).toBe(made + 1);
      expect(after.headers.etag).not.toBe(before.headers.etag);
      expect(beside.headers.etag).toBe(after.headers.etag);
    } finally {
      vi.useRealTimers();
    }
  });

  it('is rendered again after a failure', async () => {
    const flaky = vi.fn(headers).mockRejectedValueOnce(new Error('Not now.'));
    const gateway = await startGateway(database.gatewayUrl, { graphiql: { headers: flaky } });
    try {
      expect((await open(gateway, {}, false)).status).toBe(500);
      expect((await open(gateway, {}, false)).status).toBe(200);
    } finally {
      await gateway.close();
    }
  });

  it('is not shown if it is off', async () => {
    const gateway = await startGateway(database.gatewayUrl);
    try {
      const page = await gateway.send('/graphql', { headers: browser });
      expect(page.status).toBe(401);
      expect(page.text).not.toContain('<html');
    } finally {
      await gateway.close();
    }
  });
});
