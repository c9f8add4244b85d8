import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { Gateways, type Program, run } from './support/process.ts';

const STARTED = /answers at (http:\/\/127\.0\.0\.1:(\d+))\/graphql[\s\S]*Stop with Ctrl-C/;

const gateways = new Gateways();
const folders: string[] = [];

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'codex-gateway-start-'));
  folders.push(folder);
  return folder;
}

afterAll(async () => {
  await gateways.kill();
  // Postgres stops a moment after the gateway was killed.
  for (const folder of folders) {
    await vi.waitUntil(async () => (await postgresOf(folder)) === null, { timeout: 10_000 });
    await rm(folder, { recursive: true, force: true });
  }
});

/** Returns the process id of the folder's Postgres; null if none runs. */
async function postgresOf(folder: string): Promise<number | null> {
  const lock = await readFile(join(folder, 'postgres', 'postmaster.pid'), 'utf8').catch(() => null);
  return lock ? Number(lock.split('\n', 1)[0]) : null;
}

async function ask(url: string, token: string, body: string) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body,
  });
  return response.json() as Promise<{ data?: unknown; errors?: unknown }>;
}

describe('without settings, in an empty folder', () => {
  let folder: string;
  let gateway: Program;
  let url: string;
  let port: string;
  let token: string;
  let firstQuery: string;

  beforeAll(async () => {
    folder = await emptyFolder();
    gateway = gateways.start({ DATA_DIR: folder });
    [, url = '', port = ''] = await gateway.prints(STARTED);
    [, token = ''] = await gateway.prints(/^(eyJ\S+)$/m);
    [, firstQuery = ''] = await gateway.prints(/-d '(.*)'/);
  }, 120_000);

  it('answers the query that it prints with the token that it prints', async () => {
    const answer = await ask(url, token, firstQuery);
    expect(answer.errors).toBeUndefined();
    expect(answer.data).toMatchObject({
      viewer: { email: 'asha.rao@example.com', workspace: { name: 'Kaveri Coffee Roasters' } },
      campaigns: { nodes: [{}, {}, {}] },
    });
  });

  it('is ready, and shows GraphiQL with a token', async () => {
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    const page = await fetch(`${url}/graphql`, { headers: { accept: 'text/html' } });
    expect(await page.text()).toMatch(/"Authorization":"Bearer eyJ/);
  });

  it('gives tokens only to people of the demo', async () => {
    const signIn = async (body: string, headers = {}) => {
      const response = await fetch(`${url}/dev/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body,
      });
      return { status: response.status, body: await response.json() };
    };
    const { status, body } = await signIn('{"email":"Meera.Iyer@example.com"}');
    expect(status).toBe(200);
    const answer = await ask(url, body.token, '{"query":"{ viewer { id email } }"}');
    expect(answer.data).toEqual({
      viewer: { id: body.person.id, email: 'meera.iyer@example.com' },
    });
    for (const refused of ['{"email":"root@example.com"}', '{}', 'x', '[]', '{"email":5}']) {
      expect(await signIn(refused)).toMatchObject({
        status: 400,
        body: { errors: [{ message: expect.stringContaining('asha.rao@example.com') }] },
      });
    }
    const email = '{"email":"meera.iyer@example.com"}';
    expect((await signIn(email, { 'content-type': 'text/plain' })).status).toBe(400);
    expect((await signIn(`${email}${' '.repeat(2_000)}`)).status).toBe(400);
    expect((await fetch(`${url}/dev/token`)).status).toBe(405);
  });

  it('gives no token under a host name other than its own', async () => {
    const { port: own } = new URL(url);
    const statusFor = (host: string) =>
      new Promise((resolve, reject) => {
        const sent = request(`${url}/dev/token`, {
          method: 'POST',
          headers: { host, 'content-type': 'application/json' },
        });
        sent
          .on('response', (response) => resolve(response.resume().statusCode))
          .on('error', reject);
        sent.end('{"email":"meera.iyer@example.com"}');
      });
    expect(await statusFor(`localhost:${own}`)).toBe(200);
    for (const host of [
      `rebound.example:${own}`,
      'localhost.example',
      '127.0.0.1.example',
      '10.0.0.7',
    ]) {
      expect(await statusFor(host), host).toBe(403);
    }
  });

  it('prints no token for a data folder that no gateway has used', async () => {
    const other = await emptyFolder();
    const program = run('src/server/dev-token-cli.ts', { DATA_DIR: other }, [
      ...['--email', 'grace.kim@example.com'],
    ]);
    expect(await program.ends()).toBe(1);
    expect(program.stdout()).toBe('');
    expect(program.stderr()).toContain(`No gateway has run on the data folder ${other}`);
    expect(await readdir(other)).toEqual([]);
  });

  it("accepts people's tokens from the command line", async () => {
    const program = run('src/server/dev-token-cli.ts', { DATA_DIR: folder }, [
      '--email',
      'grace.kim@example.com',
    ]);
    expect(await program.ends()).toBe(0);
    const answer = await ask(url, program.stdout().trim(), '{"query":"{ viewer { email } }"}');
    expect(answer.data).toEqual({ viewer: { email: 'grace.kim@example.com' } });
  });

  it("accepts agents' tokens from the command line", async () => {
    const program = run('src/server/dev-token-cli.ts', { DATA_DIR: folder }, [
      ...['--agent', 'a new agent', '--scopes', 'global:write,alerts:read'],
    ]);
    expect(await program.ends()).toBe(0);
    const query = '{"query":"{ viewer { email scopes } agents(first: 1) { nodes { id } } }"}';
    const answer = await ask(url, program.stdout().trim(), query);
    expect(answer.data).toEqual({
      viewer: { email: null, scopes: ['global:write', 'alerts:read'] },
      agents: { nodes: [{ id: expect.any(String) }] },
    });
  });

  it('makes the files of its secrets readable only for its own user', async () => {
    for (const file of ['jwt.secret', 'service-jwt.secret']) {
      expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600);
    }
  });

  it('makes a second start in its folder fail with a message', async () => {
    const second = gateways.start({ DATA_DIR: folder, PORT: port });
    expect(await second.ends()).toBe(1);
    expect(second.stderr()).toMatch(/already running on .*process \d+.*choose another DATA_DIR/);
    expect(second.stderr()).not.toMatch(/\n\s+at /);
  });

  it('makes a second start on its port fail with a message', async () => {
    const second = gateways.start({ DATA_DIR: await emptyFolder(), PORT: port });
    expect(await second.ends()).toBe(1);
    expect(second.stderr()).toMatch(new RegExp(`Port ${port} .*in use.*PORT=${Number(port) + 1}`));
    expect(second.stderr()).not.toMatch(/\n\s+at /);
  });

  it('stops Postgres on Ctrl-C, and prints no errors', async () => {
    const postgres = await postgresOf(folder);
    expect(postgres).toBeGreaterThan(0);
    gateway.child.kill('SIGINT');
    expect(await gateway.ends()).toBe(0);
    expect(await postgresOf(folder)).toBeNull();
    expect(() => process.kill(Number(postgres), 0)).toThrow(/ESRCH/);
    expect(gateway.stderr()).toBe('');
  });

  it('starts again with the same data and keys', async () => {
    const again = gateways.start({ DATA_DIR: folder });
    const [, address = ''] = await again.prints(STARTED);
    expect(again.stdout()).not.toMatch(/Loading|Making/);
    expect((await ask(address, token, firstQuery)).errors).toBeUndefined();

    // The first Ctrl-C waits for a request that never ends. The second one does not wait.
    const stuck = request(`${address}/graphql`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        // The server answers this header when it starts to read the request.
        expect: '100-continue',
      },
    });
    stuck.on('error', () => {});
    stuck.flushHeaders();
    await once(stuck, 'continue');
    stuck.write('{');
    // Both at once, as npm sends them. Two equal signals might arrive as one.
    again.child.kill('SIGINT');
    again.child.kill('SIGTERM');
    await again.prints(/Finishing/);
    await delay(700);
    expect(again.child.exitCode).toBeNull();
    again.child.kill('SIGINT');
    expect(await again.ends()).toBe(130);
    await eventually(() => postgresOf(folder)).toBeNull();
  });
});
