import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { printedSchema } from '../../src/schema/print-cli.ts';

it('schema.graphql is up to date', async () => {
  const committed = await readFile(new URL('../../schema.graphql', import.meta.url), 'utf8');
  // Compares a boolean, since a difference of the long texts would hide the message.
  expect(
    printedSchema() === committed,
    'schema.graphql is out of date: run `npm run schema:print` and commit it',
  ).toBe(true);
});
