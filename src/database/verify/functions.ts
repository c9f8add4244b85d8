import { logTriggers } from './change-log.ts';
import { type Check, finding } from './check.ts';
import { AUDIT_TRIGGERS, FUNCTIONS, TRIGGERS, type Trigger } from './expected.ts';
import { STAMPED_TABLES, TABLE_NAMES } from './expected-tables.ts';

const functions: Check = {
  id: 'functions',
  title: 'Every function of the migrations is there',
  remedy: 'Run npm run db:migrate.',
  async run({ query }) {
    const rows = await query<{ name: string }>(
      'select name from unnest($1::text[]) as name where to_regprocedure(name) is null',
      [FUNCTIONS],
    );
    return finding(
      FUNCTIONS.length,
      'functions',
      rows.map(({ name }) => `${name} is missing`),
    );
  },
};

const definers: Check = {
  id: 'security-definer',
  title: 'SECURITY DEFINER functions pin search_path, and not everybody may call them',
  remedy: "ALTER FUNCTION ... SET search_path = ''; REVOKE EXECUTE ON FUNCTION ... FROM PUBLIC.",
  async run({ query }) {
    const rows = await query<{ name: string; pinned: boolean; open: boolean }>(
      `select pg_proc.oid::regprocedure::text as name,
              coalesce(array_to_string(proconfig, ',') ~ '(^|,)search_path=', false) as pinned,
              exists (select from aclexplode(coalesce(proacl, acldefault('f', proowner)))
                      where grantee = 0) as open
       from pg_proc
       where prosecdef and pronamespace in ('public'::regnamespace, to_regnamespace('gateway'))
         and (pronamespace <> 'public'::regnamespace
              or pg_proc.oid in (select to_regprocedure(name) from unnest($1::text[]) as name))
       order by 1`,
      [FUNCTIONS],
    );
    return finding(rows.length, 'functions', [
      ...rows.filter((row) => !row.pinned).map(({ name }) => `${name} does not pin search_path`),
      ...rows.filter((row) => row.open).map(({ name }) => `everybody may call ${name}`),
    ]);
  },
};

const triggers: Check = {
  id: 'triggers',
  title:
    'Every trigger is there and enabled; set_updated_at wherever the column exists; all tables audited and logged',
  remedy:
    'Run npm run db:migrate; ALTER TABLE ... ENABLE TRIGGER ..., those of the change log ENABLE ALWAYS TRIGGER.',
  async run({ query }) {
    const stamped = STAMPED_TABLES.map((table) => ({
      table: `public.${table}`,
      name: 'set_updated_at',
      calls: 'public.set_updated_at()',
    }));
    const audited = TABLE_NAMES.flatMap((table) =>
      AUDIT_TRIGGERS.map((name) => ({ table: `public.${table}`, name, calls: 'gateway.audit()' })),
    );
    const logged = TABLE_NAMES.flatMap(logTriggers);
    const expected: Trigger[] = [...stamped, ...audited, ...logged, ...TRIGGERS];
    const rows = await query<{ table: string; name: string }>(
      `select wanted.table, wanted.name
       from jsonb_to_recordset($1) as wanted("table" text, name text, calls text, always boolean)
       where not exists (
         select from pg_trigger
         where tgrelid = to_regclass(wanted.table) and tgname = wanted.name
           and tgfoid = to_regprocedure(wanted.calls)
           and (tgenabled = 'A' or tgenabled = 'O' and wanted.always is not true)
       )`,
      [JSON.stringify(expected)],
    );
    return finding(
      expected.length,
      'triggers',
      rows.map(({ table, name }) => `${name} of ${table} is missing or not enabled`),
    );
  },
};

/** Checks that functions and triggers are in place. */
export const functionChecks = [functions, definers, triggers];
