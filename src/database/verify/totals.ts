import { catalog } from '../../generated/catalog.ts';
import { logTriggers } from './change-log.ts';
import { type Check, finding, type Query } from './check.ts';
import { AUDIT_TRIGGERS, TABLES_BY_MIGRATION, TRIGGERS, VIEWS } from './expected.ts';
import { STAMPED_TABLES, TABLE_NAMES, TABLE_OIDS } from './expected-tables.ts';
import { tryUnlock } from './unlock.ts';

const MIGRATE = 'Run npm run db:migrate.';

const additions = Object.entries(TABLES_BY_MIGRATION).map(
  ([migration, names]): Check => ({
    id: `migration-${migration.slice(0, 3)}`,
    title: `Migration ${migration.slice(0, 3)} has added its tables`,
    remedy: MIGRATE,
    async run({ query }) {
      const rows = await query<{ name: string }>(
        `select name from unnest($1::text[]) as name
         where to_regclass('public.' || name) is null`,
        [names],
      );
      return finding(
        names.length,
        'tables',
        rows.map(({ name }) => `${name} is missing`),
      );
    },
  }),
);

const movesOfCampaigns: Check = {
  id: 'moves-of-campaigns',
  title: 'Migration 013 has tied moves to campaigns',
  remedy: MIGRATE,
  async run({ query }) {
    const rows = await query(
      `select from pg_constraint
       join pg_attribute on attrelid = conrelid and attname = 'campaign_id' and attnum = any(conkey)
       where conrelid = to_regclass('public.moves') and confrelid = to_regclass('public.campaigns')`,
    );
    return finding(rows.length, 'foreign key', rows.length ? [] : ['moves.campaign_id has none']);
  },
};

const unlocking: Check = {
  id: 'unlock-achievement',
  title: 'unlock_achievement awards points once (tried and rolled back)',
  remedy: 'Run npm run db:migrate, on a primary server; then look at the message.',
  writes: true,
  run: ({ query }) => tryUnlock(query),
};

const recordedOnce: Check = {
  id: 'migrations-recorded-once',
  title: 'Each migration is recorded as finished, once',
  remedy: 'Run npm run db:status.',
  async run({ query }) {
    const rows = await query<{ name: string; times: number }>(
      `select migration_name as name, count(finished_at)::int as times from public._prisma_migrations
       where rolled_back_at is null group by 1 order by 1`,
    );
    const wrong = rows.filter(({ times }) => times !== 1);
    return finding(rows.length, 'migrations', [
      ...wrong.map(({ name, times }) => `${name} is so ${times} times`),
      ...(rows.length ? [] : ['none is recorded']),
    ]);
  },
};

/** Something that is counted, with its minimum. */
interface Total {
  id: string;
  noun: string;
  least: number;
  sql: string;
}

const totals: Total[] = [
  {
    id: 'total-tables',
    noun: 'tables',
    least: TABLE_NAMES.length,
    sql: `select count(*) from (${TABLE_OIDS}) as tables`,
  },
  {
    id: 'total-foreign-keys',
    noun: 'foreign keys',
    least: 85,
    sql: `select count(*) from pg_constraint where contype = 'f' and conrelid in (${TABLE_OIDS})`,
  },
  {
    id: 'total-indexes',
    noun: 'indexes',
    least: 132,
    sql: `select count(*) from pg_index where indrelid in (${TABLE_OIDS})`,
  },
  {
    id: 'total-policies',
    noun: 'row-level policies',
    least: 33,
    sql: `select count(*) from pg_policy where polrelid in (${TABLE_OIDS})`,
  },
  {
    id: 'total-functions',
    noun: 'functions',
    least: 30,
    sql: `select count(*) from pg_proc where pronamespace = 'public'::regnamespace and prokind = 'f'
            and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')`,
  },
];

async function count(query: Query, sql: string): Promise<number> {
  const values = sql.includes('$1') ? [TABLE_NAMES] : [];
  const [row] = await query<{ count: string }>(sql, values);
  return Number(row?.count);
}

function atLeast({ id, noun, least, sql }: Total): Check {
  return {
    id,
    title: `There are at least ${least} ${noun}`,
    remedy: MIGRATE,
    async run({ query }) {
      const number = await count(query, sql);
      return finding(number, noun, number < least ? [`${least - number} too few`] : []);
    },
  };
}

const enumerations = atLeast({
  id: 'total-enumerations',
  noun: 'enumerations',
  least: Object.keys(catalog.enums).length,
  sql: `select count(*) from pg_type where typtype = 'e' and typnamespace = 'public'::regnamespace`,
});

const triggerTotal = atLeast({
  id: 'total-triggers',
  noun: 'triggers',
  least:
    STAMPED_TABLES.length +
    TABLE_NAMES.length * AUDIT_TRIGGERS.length +
    TABLE_NAMES.flatMap(logTriggers).length +
    TRIGGERS.length,
  sql: `select count(*) from pg_trigger
        where not tgisinternal
          and (tgrelid in (${TABLE_OIDS})
               or tgrelid in (to_regclass('auth.users'), to_regclass('gateway.audit_log'), to_regclass('gateway.invitation')))`,
});

const viewTotal = atLeast({
  id: 'total-views',
  noun: 'read models',
  least: VIEWS.length,
  sql: `select count(*) from pg_class where relkind = 'v' and relnamespace = 'public'::regnamespace`,
});

/** The sixteen statements of the platform's report about the step from 43 to 59 tables. */
export const reportChecks: readonly Check[] = [
  ...additions,
  movesOfCampaigns,
  unlocking,
  ...totals.map(atLeast),
  enumerations,
  triggerTotal,
  viewTotal,
  recordedOnce,
];
