import { describe, expect, test } from 'vitest';
import { migrate, schemaDrift } from '../../src/database/migrator.ts';
import { emptyDatabase } from '../../src/database/migrator-reset.ts';
import { query } from './migrator-fixture.ts';
import { onEachPostgres } from './migrator-world.ts';

onEachPostgres((world) => {
  describe('drift', () => {
    test('there is none after migrating, and the check changes nothing', async () => {
      await migrate(world.url, world.schema);
      expect(await schemaDrift(world.url, world.schema)).toBe('');
      expect(
        await query(world.url, "select from pg_database where datname like '%shadow%'"),
      ).toEqual([]);
    });

    test.each([
      ['a missing column', 'alter table notes drop column color', '[+] Added column `color`'],
      ['an extra column', 'alter table notes add note text', '[-] Removed column `note`'],
      ['nullability', 'alter table notes alter title drop not null', 'Nullable to Required'],
      ['a type', 'alter table notes alter id type bigint', 'Altered column `id` (type changed)'],
      ['a default', 'alter table notes alter color drop default', 'default changed from `None`'],
      ['an enum', "alter type color add value 'blue'", '[-] Removed variant `blue`'],
      [
        'a missing foreign key',
        'alter table notes drop constraint notes_author_id_fkey',
        '[+] Added foreign key on columns (author_id)',
      ],
      [
        'a foreign key that does something else',
        `alter table notes drop constraint notes_author_id_fkey;
         alter table notes add constraint notes_author_id_fkey
           foreign key (author_id) references auth.users on delete cascade`,
        '[+] Added foreign key on columns (author_id)',
      ],
      [
        'a missing index',
        'drop index notes_author_id_idx',
        '[+] Added index on columns (author_id)',
      ],
      ['an extra index', 'create index on notes (color)', '[-] Removed index on columns (color)'],
      [
        'an index that lost its uniqueness',
        'drop index notes_title_key; create index notes_title_key on notes (title)',
        '[+] Added unique index on columns (title)',
      ],
      [
        'a missing primary key',
        'alter table notes drop constraint notes_pkey',
        '[+] Added primary key on columns (id)',
      ],
      ['a missing table', 'drop table notes', '[+] Added tables\n  - notes'],
      [
        "a missing column of the platform's table",
        'alter table auth.users drop column email',
        'auth.users needs a column email of type VARCHAR(255)',
      ],
      [
        "another type in the platform's table",
        'alter table auth.users alter email type jsonb using null',
        'auth.users needs a column email of type VARCHAR(255)',
      ],
    ])('%s is drift', async (_, change, expected) => {
      await migrate(world.url, world.schema);
      await query(world.url, change);
      expect(await schemaDrift(world.url, world.schema)).toContain(expected);
    });

    test('what the models do not describe is no drift', async () => {
      await migrate(world.url, world.schema);
      await query(
        world.url,
        `create table stray (id int, note_id int references notes, color color);
         create type mood as enum ('calm'); create table auth.sessions (id int);
         create type auth.level as enum ('one'); create view titles as select title from notes;
         create schema other; create table other.notes (id text);
         alter table auth.users add phone text, alter email set default 'x';
         create index on auth.users (email);
         alter table notes add constraint short check (length(title) < 100),
           enable row level security;
         create policy everybody on notes using (true)`,
      );
      expect(await schemaDrift(world.url, world.schema)).toBe('');
    });
  });

  test("the gateway's own migrations match its schema", async () => {
    expect((await migrate(world.url)).applied.length).toBeGreaterThan(5);
    expect(await schemaDrift(world.url)).toBe('');
    await emptyDatabase(world.url);
    expect((await migrate(world.url)).applied.length).toBeGreaterThan(5);
    expect(await schemaDrift(world.url)).toBe('');
  });
});
