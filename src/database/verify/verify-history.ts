import { migrationStatus, schemaDrift } from '../migrator.ts';
import { type Check, finding } from './check.ts';

const applied: Check = {
  id: 'migrations-applied',
  title: 'Every migration is applied, and unchanged since',
  remedy: 'Run npm run db:status, which says what to do about each.',
  async run({ url }) {
    const migrations = await migrationStatus(url);
    const wrong = migrations.filter(({ state }) => state !== 'applied');
    return finding(
      migrations.length,
      'migrations',
      wrong.map(({ name, state }) => `${name} is ${state}`),
    );
  },
};

const drift: Check = {
  id: 'no-drift',
  title: "Prisma's own comparison with the schema finds no difference",
  remedy: 'Find out who changed it (npm run db:status), and undo that or add a migration.',
  async run({ url }) {
    const differences = (await schemaDrift(url)).split('\n').filter((line) => line.trim());
    return { found: '', problems: differences };
  },
};

/** Checks that the database is what the migrations make. */
export const historyChecks = [applied, drift];
