import { createRequire } from 'node:module';
import { configDefaults, defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

const require = createRequire(import.meta.url);

// Loading the gateway takes longer than the tests of most files, so files share its modules. These
// fake timers, hold requests back or measure memory: each has modules of its own.
const ISOLATED = [
  'tests/{clients,fuzz,poolers,support,torture}/**/*.test.ts',
  'tests/context/{shares,time-budget,statement-memory}.test.ts',
  'tests/realtime/broker*.test.ts',
  'tests/server/*{connection,connections,memory}.test.ts',
  'tests/server/{graphiql,graphiql-live,health,multipart,websocket-limits}.test.ts',
  'tests/server/subscriptions/**/*.test.ts',
  'tests/subscriptions/leaks.test.ts',
];
const ALL = ['tests/**/*.test.ts'];

export default defineConfig({
  test: {
    globalSetup: './tests/support/global-setup.ts',
    maxWorkers: 2,
    projects: [
      project({
        name: 'shared',
        include: ALL,
        exclude: [...configDefaults.exclude, ...ISOLATED],
        isolate: false,
      }),
      project({ name: 'isolated', include: ISOLATED }),
    ],
  },
});

function project(
  files: NonNullable<TestProjectInlineConfiguration['test']>,
): TestProjectInlineConfiguration {
  return {
    // Vitest would load a second copy of graphql, whose types are strangers to the first one's.
    resolve: { alias: [{ find: /^graphql$/, replacement: require.resolve('graphql') }] },
    test: {
      ...files,
      // Young objects of large worlds would be copied again and again.
      execArgv: ['--max-semi-space-size=64'],
      testTimeout: 30_000,
      hookTimeout: 60_000,
      server: { deps: { inline: [/@pothos\//, /graphql-yoga/, /graphql-scalars/] } },
    },
  };
}
