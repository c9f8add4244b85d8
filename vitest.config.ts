import { createRequire } from 'node:module';
import { defineConfig } from 'vitest/config';

const require = createRequire(import.meta.url);

export default defineConfig({
  // Vitest would load a second copy of graphql, whose types are strangers to the first one's.
  resolve: { alias: [{ find: /^graphql$/, replacement: require.resolve('graphql') }] },
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: './tests/support/global-setup.ts',
    // Young objects of large worlds would be copied again and again.
    execArgv: ['--max-semi-space-size=64'],
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    server: { deps: { inline: [/@pothos\//, /graphql-yoga/, /graphql-scalars/] } },
  },
});
