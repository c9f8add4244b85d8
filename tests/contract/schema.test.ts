import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { printedSchema } from '../../src/schema/print-cli.ts';

it('the committed schema is the one that is served', async () => {
  const committed = await readFile(new URL('../../schema.graphql', import.meta.url), 'utf8');
  // Their whole text in a failure would hide what to do.
  expect(
    printedSchema() === committed,
    'schema.graphql is out of date: run `npm run schema:print` and commit it',
  ).toBe(true);
});
