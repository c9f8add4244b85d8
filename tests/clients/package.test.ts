import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '../server/support/process.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type LiveGateway, openGateway } from './support/gateway.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');

const TYPES_ONLY = `
import { backoff, credentials, resumable, type SubscriptionClient } from '@codex-gateway/client';

declare const client: SubscriptionClient & { url: string };
export const url: string = resumable(client, { onCursor: (cursor: string) => {} }).url;
export const headers: Promise<Record<string, string>> = credentials(() => 'token')();
export const wait: Promise<void> = backoff(0);
// @ts-expect-error It needs a function, which returns a token for each connection.
credentials('token');
`;

const PROGRAM = `
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { backoff, credentials, resumable } from '@codex-gateway/client';
import { resumeLink } from '@codex-gateway/client/apollo';
import { ApolloLink } from '@apollo/client';

const [address, token = ''] = process.argv.slice(2);
const signIn = credentials(async () => token);
const response = await fetch(\`http://\${address}/graphql\`, {
  method: 'POST',
  headers: { 'content-type': 'application/json', ...(await signIn()) },
  body: JSON.stringify({ query: '{ systemAlerts { liveCursor } }' }),
});
const { data } = (await response.json()) as { data: { systemAlerts: { liveCursor: string } } };
console.log(resumeLink() instanceof ApolloLink ? 'ready' : 'another Apollo Client');

const client = createClient({
  url: \`ws://\${address}/graphql\`,
  webSocketImpl: WebSocket,
  connectionParams: signIn,
  retryAttempts: Number.POSITIVE_INFINITY,
  retryWait: backoff,
  shouldRetry: () => true,
});
const alerts = resumable(client).iterate<{ alertRaised: { node: { title: string } } }>({
  query: 'subscription ($after: String) { alertRaised(after: $after) { cursor node { title } } }',
  variables: { after: data.systemAlerts.liveCursor },
});
for await (const { data } of alerts) console.log(data?.alertRaised.node.title);
`;

/** The packages that the program needs besides the client. */
const APPLICATION_PACKAGES = [
  ...['graphql', 'graphql-ws', 'ws', '@types/ws', '@types/node', 'undici-types'],
  ...['@apollo/client', 'rxjs'],
];

let database: TestDatabase;
let gateway: LiveGateway;
let application: string;
let packed: string[];
beforeAll(async () => {
  application = await mkdtemp(join(tmpdir(), 'codex-gateway-package-'));
  const [tarball] = await pack('--workspace', '@codex-gateway/client');
  packed = tarball?.files ?? [];
  await writeFile(join(application, 'package.json'), '{ "private": true, "type": "module" }');
  // Offline, so that nothing else can be installed.
  await npm(application, 'install', '--offline', `./${tarball?.filename}`);
  database = await createTestDatabase('demo');
  gateway = await openGateway(database);
});
afterAll(async () => {
  await gateway?.close();
  await database?.close();
  if (application) await rm(application, { recursive: true });
});

async function npm(folder: string, ...args: string[]): Promise<string> {
  return (await promisify(execFile)('npm', args, { cwd: folder })).stdout;
}

/** Packs a tarball into the application's folder. */
async function pack(...args: string[]): Promise<{ filename: string; files: string[] }[]> {
  const printed = await npm(ROOT, 'pack', '--json', '--pack-destination', application, ...args);
  // The output of the package's scripts comes first.
  const tarballs: { filename: string; files: { path: string }[] }[] = JSON.parse(
    printed.slice(printed.search(/^\[$/m)),
  );
  return tarballs.map(({ filename, files }) => ({ filename, files: files.map((f) => f.path) }));
}

/** Compiles a program of the application. Resolves to the compiler's errors. */
async function check(name: string, program: string, options: object): Promise<string> {
  await writeFile(join(application, name), program);
  await writeFile(
    join(application, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: { target: 'es2023', strict: true, noEmit: true, types: [], ...options },
      files: [name],
    }),
  );
  const checked = promisify(execFile)(process.execPath, [TSC, '-p', application]);
  return checked.then(
    ({ stdout }) => stdout,
    ({ stdout }) => stdout,
  );
}

it("the client's tarball contains only the client and its types", () => {
  const modules = ['apollo', 'connecting', 'index', 'results', 'resumable'];
  const built = modules.flatMap((name) => [`dist/${name}.d.ts`, `dist/${name}.js`]);
  expect(packed.sort()).toEqual(['LICENSE', 'README.md', ...built, 'package.json']);
});

it("the server's tarball contains the build, without sources, tests or CI files", async () => {
  const [tarball] = await pack('--dry-run', '--ignore-scripts');
  const others = tarball?.files.filter((path) => !/^dist\/(src|prisma)\/(?!.*\.map$)/.test(path));
  expect(others?.sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']);
});

it('the client installs no dependencies', async () => {
  const installed = await readdir(join(application, 'node_modules'));
  expect(installed.filter((name) => !name.startsWith('.'))).toEqual(['@codex-gateway']);
  expect(await readdir(join(application, 'node_modules/@codex-gateway'))).toEqual(['client']);
});

it.each([
  ['Node', { module: 'nodenext' }],
  [
    'a bundler, for browsers',
    { module: 'esnext', moduleResolution: 'bundler', lib: ['es2023', 'dom'] },
  ],
])("the client's types need no other types, for %s", async (_, options) => {
  expect(await check('types-only.ts', TYPES_ONLY, options)).toBe('');
});

it('a program with the client receives each alert once, even if its connection is cut', async () => {
  for (const name of APPLICATION_PACKAGES) {
    const link = join(application, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(ROOT, 'node_modules', name), link);
  }
  const options = { module: 'nodenext', types: ['node'], skipLibCheck: true };
  expect(await check('program.ts', PROGRAM, options)).toBe('');

  const token = await gateway.token(600);
  const program = run(join(application, 'program.ts'), {}, [gateway.address, token]);
  try {
    await program.prints(/^ready\n$/);
    await gateway.raise('First');
    await program.prints(/First\n$/);
    gateway.cut();
    await gateway.raise('Unseen');
    gateway.restore();
    await program.prints(/Unseen\n$/);
    await gateway.raise('Afterwards');
    await program.prints(/Afterwards\n$/);
    expect(program.stdout()).toBe('ready\nFirst\nUnseen\nAfterwards\n');
    expect(program.stderr()).toBe('');
  } finally {
    program.child.kill();
    await program.ends();
  }
}, 60_000);
