import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse, validate } from 'graphql';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { schema } from '../../src/schema/index.ts';
import { type Program, run } from '../server/support/process.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { testEnv } from '../support/env.ts';
import { type LiveGateway, openGateway } from './support/gateway.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const document = await readFile(join(ROOT, 'docs/subscriptions.md'), 'utf8');

/** The examples in a language, each with its heading. */
function examplesIn(language: string): { heading: string; code: string }[] {
  let heading = '';
  const found = [];
  for (const [, title, info, code] of document.matchAll(/^#+ (.+)$|^```(\w*)\n([\s\S]*?)^```$/gm)) {
    if (title) heading = title;
    else if (info === language && code) found.push({ heading, code });
  }
  return found;
}

const PROGRAMS = [
  'graphql-ws',
  'graphql-sse',
  'graphql-sse, single connection',
  'Apollo Client by WebSocket',
  'Apollo Client by HTTP',
  'urql',
];

let database: TestDatabase;
let gateway: LiveGateway;
let folder: string;
beforeAll(async () => {
  database = await createTestDatabase('demo');
  gateway = await openGateway(database);
  folder = await mkdtemp(join(tmpdir(), 'codex-gateway-clients-'));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const file = (name: string, content: string) => writeFile(join(folder, name), content);
  await file('package.json', '{ "type": "module" }');
  await file(
    'tsconfig.json',
    JSON.stringify({
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: {
        // The default, which most applications use.
        exactOptionalPropertyTypes: false,
        paths: {
          '@codex-gateway/client': [join(ROOT, 'packages/client/src/index.ts')],
          '@codex-gateway/client/apollo': [join(ROOT, 'packages/client/src/apollo.ts')],
        },
      },
      include: ['*.ts'],
    }),
  );
  // Browsers and newer versions of Node have it.
  await file(
    'websocket.mjs',
    "import { WebSocket } from 'ws'; globalThis.WebSocket ??= WebSocket;",
  );
  const names = ['alerts', ...PROGRAMS.keys(), 'live'];
  const examples = examplesIn('ts');
  expect(examples).toHaveLength(names.length);
  for (const [number, { code }] of examples.entries()) {
    await file(`${names[number]}.ts`, code.replaceAll('127.0.0.1:4000', gateway.address));
  }
});
afterAll(async () => {
  await gateway?.close();
  await database?.close();
  if (folder) await rm(folder, { recursive: true });
});

it('the TypeScript examples compile', async () => {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const checked = promisify(execFile)(process.execPath, [tsc, '-p', folder]);
  await expect(checked.catch(({ stdout }) => stdout)).resolves.toEqual({ stdout: '', stderr: '' });
}, 120_000);

it('the GraphQL examples are valid for the schema', () => {
  const examples = examplesIn('graphql');
  expect(examples.length).toBeGreaterThan(1);
  for (const { code } of examples) expect(validate(schema, parse(code)), code).toEqual([]);
});

describe('each client receives every alert once, even if its connection is lost', () => {
  const programs: Program[] = [];
  const raised: string[] = [];
  afterAll(async () => {
    for (const { child } of programs) child.kill();
    await Promise.all(programs.map((program) => program.ends()));
  });

  const printedTitles = ({ stdout }: Program) => stdout().split('\n').slice(1, -1);
  const raise = async (title: string, by = gateway.raise) => {
    raised.push(title);
    await by(title);
  };
  /** Resolves when all clients have printed the last alert, or after a timeout. */
  const received = () =>
    vi
      .waitUntil(
        () => programs.every((program) => printedTitles(program).includes(raised.at(-1) ?? '')),
        { timeout: 40_000 },
      )
      .catch(() => {});

  beforeAll(async () => {
    const env = {
      TOKEN: await gateway.token(600),
      NODE_OPTIONS: `--import=${join(folder, 'websocket.mjs')}`,
      TSX_TSCONFIG_PATH: join(folder, 'tsconfig.json'),
    };
    for (const number of PROGRAMS.keys()) programs.push(run(join(folder, `${number}.ts`), env));
    await Promise.all(programs.map((program) => program.prints(/^There are \d+ alerts\.\n/)));

    await raise('In SQL');
    await raise('By a mutation', gateway.raiseByMutation);
    await received();
    gateway.cut();
    await raise('While the connection is cut');
    await raise('While it is cut, by a mutation', gateway.raiseByMutation);
    gateway.restore();
    await received();
    await gateway.stop();
    await raise('While there is no gateway');
    await gateway.start();
    await received();
    await raise('Afterwards');
    await received();
  }, 200_000);

  it.each([...PROGRAMS.entries()])('%i: %s', (number) => {
    const { stdout, stderr } = programs[number] as Program;
    expect(stdout().split('\n').slice(1)).toEqual([...raised, '']);
    expect(stderr()).toBe('');
  });
});

it('the live query example prints current data, even after its connection was cut', async () => {
  const program = run(join(folder, 'live.ts'), {
    TOKEN: await gateway.token(600),
    NODE_OPTIONS: `--import=${join(folder, 'websocket.mjs')}`,
    TSX_TSCONFIG_PATH: join(folder, 'tsconfig.json'),
  });
  try {
    const [, count] = await program.prints(/^(\d+) /);
    await gateway.raise('Live');
    await program.prints(new RegExp(`^${Number(count) + 1} Live$`, 'm'));
    gateway.cut();
    await gateway.raise('Unseen');
    gateway.restore();
    await program.prints(new RegExp(`^${Number(count) + 2} Unseen$`, 'm'));
    await gateway.raise('Live again');
    await program.prints(new RegExp(`^${Number(count) + 3} Live again$`, 'm'));
    expect(program.stderr()).toBe('');
  } finally {
    program.child.kill();
    await program.ends();
  }
}, 60_000);

const hasCurl = spawnSync('curl', ['--version']).status === 0;
it.skipIf(!hasCurl && !testEnv.ci)(
  `curl${hasCurl ? '' : ', which is not installed,'} receives alerts, and resumes after a cursor`,
  async () => {
    const [first = '', raise = '', resume = ''] = examplesIn('sh').map(({ code }) =>
      code.replaceAll('127.0.0.1:4000', gateway.address),
    );
    const TOKEN = await gateway.token(600);
    const curl = (command: string, env = {}) => {
      // With exec, `child` is curl itself and not a shell.
      const child = spawn('sh', ['-c', command.replace('curl', 'exec curl --silent')], {
        env: { PATH: process.env.PATH, TOKEN, ...env },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let printed = '';
      child.stdout.on('data', (data) => {
        printed += data;
      });
      const events = () =>
        [...printed.matchAll(/^id: (.+)\ndata: (.+)\n\n/gm)].map(([, id, data]) => ({
          id,
          ...JSON.parse(data ?? '').data.alertRaised,
        }));
      return { child, events, printed: () => printed };
    };

    const listening = curl(first);
    await vi.waitUntil(() => listening.printed().startsWith(':'), { timeout: 10_000 });
    const raising = curl(raise);
    expect(await text(raising.child.stdout)).toBe('{"data":{"createSystemAlert":{"errors":[]}}}');
    await vi.waitUntil(() => listening.events().length > 0, { timeout: 10_000 });
    const [event] = listening.events();
    // The output is that of the page, except for the cursor.
    const [, shown = ''] = /^```\n(event: next\n[\s\S]+?)```$/m.exec(document) ?? [];
    const cursor = /^id: (.+)$/m.exec(shown)?.[1] ?? '';
    expect(listening.printed().replaceAll(event?.id, cursor)).toBe(`:\n\n${shown}\n`);
    expect(event?.cursor).toBe(event?.id);
    listening.child.kill();
    await once(listening.child, 'close');

    await gateway.raise('Meanwhile');
    await gateway.raiseByMutation('Meanwhile too');
    const resumed = curl(resume, { ID: event?.id });
    await vi.waitUntil(() => resumed.events().length >= 2, { timeout: 10_000 });
    await gateway.raise('And now');
    await vi.waitUntil(() => resumed.events().length >= 3, { timeout: 10_000 });
    const titles = resumed.events().map(({ node }) => node.title);
    expect(titles).toEqual(['Meanwhile', 'Meanwhile too', 'And now']);
    resumed.child.kill();
    await once(resumed.child, 'close');
  },
);
