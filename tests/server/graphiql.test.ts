import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startGateway } from './support/gateway.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database?.close());

const browser = { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } };

describe('GraphiQL', () => {
  it('is shown to browsers, with the headers given, and needs no other server', async () => {
    const headers = async () => ({ Authorization: 'Bearer of-the-demo' });
    const gateway = await startGateway(database.gatewayUrl, { graphiql: { headers } });
    try {
      const page = await gateway.send('/graphql', browser);
      expect(page.status).toBe(200);
      expect(page.headers.get('content-type')).toMatch(/^text\/html/);
      expect(page.headers.get('content-security-policy')).toContain("connect-src 'self'");
      expect(page.headers.get('cache-control')).toBe('no-store');
      expect(page.text).toContain('<title>Codex Gateway</title>');
      expect(page.text).toContain('Bearer of-the-demo');
      expect(page.text).toContain('query Viewer');
      expect(page.text).not.toMatch(/<(script|link)[^>]+(src|href)="?https?:/);

      const { status } = await gateway.send('/graphql?query={me}', {
        headers: { accept: 'application/json' },
      });
      expect(status).toBe(401);
    } finally {
      await gateway.close();
    }
  });

  it('subscribes by server-sent events, or by a WebSocket with the headers in its first message', async () => {
    const headers = async () => ({ Authorization: 'Bearer of-the-demo' });
    const gateway = await startGateway(database.gatewayUrl, { graphiql: { headers } });
    const params = async (path: string) => {
      const { text } = await gateway.send(path, browser);
      const [, protocol, rest] = /"subscriptionsProtocol":"(\w+)"(.*)/s.exec(text) ?? [];
      const [, source] = /^,"connectionParams":([\s\S]+?\n {2}\})\}/.exec(rest ?? '') ?? [];
      return { protocol, source };
    };
    const typed = (state: object | null) => ({
      getItem: (key: string) =>
        key === 'graphiql:tabState' && state ? JSON.stringify(state) : null,
    });
    try {
      expect(await params('/graphql')).toEqual({ protocol: 'SSE', source: undefined });
      const { protocol, source } = await params('/graphql?subscriptions=ws');
      expect(protocol).toBe('WS');
      const call = new Function('localStorage', `return (${source})();`);
      expect(call(typed(null))).toEqual({ Authorization: 'Bearer of-the-demo' });
      const tabs = [
        { headers: '' },
        { headers: null },
        { headers: '{"Authorization": "Bearer mine", "x-workspace-id": "here"}' },
      ];
      for (const activeTabIndex of [0, 1]) {
        expect(call(typed({ tabs, activeTabIndex }))).toEqual({
          Authorization: 'Bearer of-the-demo',
        });
      }
      expect(call(typed({ tabs, activeTabIndex: 2 }))).toEqual({
        Authorization: 'Bearer mine',
        'x-workspace-id': 'here',
      });
    } finally {
      await gateway.close();
    }
  });

  it('is not shown where it is off', async () => {
    const gateway = await startGateway(database.gatewayUrl);
    try {
      const page = await gateway.send('/graphql', browser);
      expect(page.status).toBe(401);
      expect(page.text).not.toContain('<html');
    } finally {
      await gateway.close();
    }
  });
});
