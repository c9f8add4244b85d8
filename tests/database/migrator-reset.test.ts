import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { migrate, schemaDrift } from '../../src/database/migrator.ts';
import { emptyDatabase, recreateDatabase } from '../../src/database/migrator-reset.ts';
import { query } from './migrator-fixture.ts';
import { onEachPostgres } from './migrator-world.ts';

onEachPostgres((world) => {
  describe('reset', () => {
    const objects = `select n.nspname || '.' || c.relname as name from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      where n.nspname in ('public', 'auth', 'gateway') and relkind = 'r'`;

    const ofExtension =
      "exists (select from pg_depend where objid = oid and deptype in ('e', 'i'))";

    test('empties the database, and the migrations apply again', async () => {
      await migrate(world.url, world.schema);
      await query(
        world.url,
        `create schema gateway; create table gateway.change (id int);
         create view titles as select title from notes; create sequence numbers;
         create domain positive as int check (value > 0); create aggregate total (int) (
           sfunc = int4pl, stype = int);
         create materialized view kept as select 1; create type pair as (a int, b int);
         create extension citext; create table cited (word citext);
         create function paired(pair, notes) returns int language sql as 'select 1'`,
      );
      await emptyDatabase(world.url);
      expect(await query(world.url, objects)).toEqual([{ name: 'auth.users' }]);
      expect(
        await query(
          world.url,
          `select from pg_proc where pronamespace = 'public'::regnamespace and not ${ofExtension}`,
        ),
      ).toEqual([]);
      expect(
        await query(
          world.url,
          `select from pg_type where typnamespace = 'public'::regnamespace and not ${ofExtension}`,
        ),
      ).toEqual([]);
      expect(await query(world.url, "select 'A'::citext = 'a' as same")).toEqual([{ same: true }]);
      expect((await migrate(world.url, world.schema)).applied).toHaveLength(2);
      expect(await schemaDrift(world.url, world.schema)).toBe('');
    });

    test("drops the gateway's own auth.users, and no other's", async () => {
      const own = `create schema auth; create table auth.users (
        id uuid, email text, raw_user_meta_data jsonb, created_at timestamptz)`;
      await query(world.url, own);
      await emptyDatabase(world.url);
      expect(await query(world.url, objects)).toEqual([]);
      await query(world.url, own, 'create table auth.sessions (id uuid)');
      await emptyDatabase(world.url);
      expect(await query(world.url, objects)).toHaveLength(2);
    });

    test('is all or nothing', async () => {
      await migrate(world.url, world.schema);
      await query(
        world.url,
        `create schema other;
         create function other.refuse() returns event_trigger language plpgsql as
           'begin raise exception ''no''; end';
         create event trigger refuse on sql_drop when tag in ('DROP TYPE') execute function other.refuse()`,
      );
      await expect(emptyDatabase(world.url)).rejects.toThrow('no');
      expect(await query(world.url, objects)).toHaveLength(3);
    });

    test('resets an embedded database with open sessions', async () => {
      await migrate(world.url, world.schema);
      const session = new pg.Client(world.url);
      session.on('error', () => {});
      await session.connect();
      await recreateDatabase(world.url);
      expect(await query(world.url, objects)).toEqual([]);
    });
  });
});
