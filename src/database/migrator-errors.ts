/** A migration, or reading the migrations, failed. The message says why. */
export class MigrationError extends Error {
  override name = 'MigrationError';
  readonly code: string = 'MIGRATION_ERROR';
}

/**
 * The database does not answer, or refuses the login. The message has its address, never the
 * password.
 */
export class DatabaseUnreachableError extends MigrationError {
  override name = 'DatabaseUnreachableError';
  override readonly code = 'DATABASE_UNREACHABLE';
}

/** Another migrator has held the lock for too long. */
export class MigrationLockedError extends MigrationError {
  override name = 'MigrationLockedError';
  override readonly code = 'MIGRATION_LOCKED';
}

/** The connection leads to a pooler in transaction mode, through which no session lock holds. */
export class NoSessionError extends MigrationError {
  override name = 'NoSessionError';
  override readonly code = 'NO_SESSION';

  constructor() {
    super(
      'Migrations need a session of their own, which a pooler in transaction mode does not give. ' +
        'Set DATABASE_DIRECT_URL to Postgres itself, or to the pooler in session mode.',
    );
  }
}

/** Postgres refused a migration just now. */
export class MigrationFailedError extends MigrationError {
  override name = 'MigrationFailedError';
  override readonly code = 'MIGRATION_FAILED';
  readonly migration: string;

  constructor(migration: string, reason: string) {
    super(
      `Migration ${migration} failed: ${reason}\n` +
        `Once it is fixed: npm run db:resolve -- ${migration} --rolled-back, then db:migrate again`,
    );
    this.migration = migration;
  }
}

/** Earlier runs left migrations that did not finish; nothing is applied until they are resolved. */
export class UnfinishedMigrationError extends MigrationError {
  override name = 'UnfinishedMigrationError';
  override readonly code = 'MIGRATION_UNFINISHED';
  readonly migrations: string[];

  constructor(migrations: string[]) {
    super(
      `Earlier runs of these migrations failed or were cut off: ${migrations.join(', ')}\n` +
        'See what they left in the database, then for each: ' +
        'npm run db:resolve -- <name> --rolled-back (or --applied)',
    );
    this.migrations = migrations;
  }
}

/** Other scripts than these made the database: nothing is applied to it. */
export class OtherMigrationsError extends MigrationError {
  override name = 'OtherMigrationsError';
  override readonly code = 'MIGRATIONS_DIFFER';

  constructor(changed: string[], gone: string[]) {
    const list = (names: string[], what: string) => names.length && `${what}: ${names.join(', ')}`;
    super(
      [
        'Other migrations than those of this version made the database, so it cannot be brought up to date.',
        list(changed, 'Changed since they were applied'),
        list(gone, 'Applied, and not in this version'),
        'Make it again: npm run db:reset deletes all of its data and applies all migrations. ' +
          'Or keep an embedded one, and use another DATA_DIR for a new one.',
      ]
        .filter(Boolean)
        .join('\n'),
    );
  }
}
