import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest';
import {
  type Cluster,
  createSchemaFolder,
  findPostgres15,
  type SchemaFolder,
  startCluster,
} from './migrator-fixture.ts';

const postgres15 = findPostgres15();

/** What each test has of its own. */
export interface MigratorWorld {
  version: number;
  /** An empty database. */
  url: string;
  schema: SchemaFolder;
}

/** Declares the tests for the oldest and the newest supported version. */
export function onEachPostgres(declare: (world: MigratorWorld) => void): void {
  describe.each([
    { version: 18, installation: undefined, missing: false },
    { version: 15, installation: postgres15, missing: !postgres15 },
  ])('on Postgres $version', ({ version, installation, missing }) => {
    let cluster: Cluster;
    let url: string;
    let schema: SchemaFolder;

    beforeAll(async () => {
      if (!missing) cluster = await startCluster(installation);
    });
    afterAll(() => cluster?.stop());
    beforeEach(async (context) => {
      context.skip(missing, 'Postgres 15 is not installed');
      [schema, url] = await Promise.all([createSchemaFolder(), cluster.createDatabase()]);
    });
    afterEach(() => schema?.remove());

    declare({
      version,
      get url() {
        return url;
      },
      get schema() {
        return schema;
      },
    });
  });
}
