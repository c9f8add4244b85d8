import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { withSettings } from '../../scripts/settings-table.ts';
import { RESOURCES, readEnv } from '../../src/env.ts';

const page = readFileSync('docs/operations.md', 'utf8');

it('the table of settings is up to date (npm run docs:settings updates it)', () => {
  expect(withSettings(page)).toBe(page);
});

it('the table of limits shows the defaults', () => {
  const defaults = readEnv({});
  const holders = ['PERSON_LIMITS', 'AGENT_LIMITS', 'WORKSPACE_LIMITS'] as const;
  for (const resource of RESOURCES) {
    const values = holders.map((holder) => defaults[holder][resource].toLocaleString('en'));
    expect(page).toMatch(
      new RegExp(`^\\| \`${resource}\` \\|.* \\| ${values.join(' \\| ')} \\|`, 'm'),
    );
  }
});
