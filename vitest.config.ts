import { createRequire } from 'node:module';
import { configDefaults, defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

const require = createRequire(import.meta.url);

// Loading the gateway takes longer than the tests of most files, so these files share its modules.
// The others fake timers, hold requests back or measure memory: each has modules of its own.
const SHARED = [
  'tests/{contract,database,mutations,schema,workflows}/**/*.test.ts',
  'tests/subscriptions/!(leaks).test.ts',
];

export default defineConfig({
  test: {
    globalSetup: './tests/support/global-setup.ts',
    maxWorkers: 2,
    projects: [
      project({ name: 'shared', include: SHARED, isolate: false }),
      project({
        name: 'isolated',
        include: ['tests/**/*.test.ts'],
        exclude: [...configDefaults.exclude, ...SHARED],
      }),
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
