import { defineConfig } from 'prisma/config';

// `generate` never runs the schema engine, yet Prisma would download it first: any existing file
// in its place makes the command work offline. Commands that do need it (migrate) get the real one.
if (['generate', 'validate', 'format'].some((command) => process.argv.includes(command))) {
  process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath;
}

export default defineConfig({
  schema: 'prisma',
  migrations: { path: 'prisma/migrations' },
  datasource: { url: process.env.DATABASE_URL ?? '' },
});
