import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';
import { printedSchema } from '../src/schema/print-cli.ts';

const { values } = parseArgs({ options: { against: { type: 'string', default: 'HEAD' } } });

function committed(ref: string): string {
  try {
    return execFileSync('git', ['show', `${ref}:schema.graphql`], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch {
    process.stderr.write(`There is no schema.graphql at "${ref}": name a commit, branch or tag.\n`);
    process.exit(2);
  }
}

// Both sides as printed: an executable schema differs from its own print in inner values.
const changes = await diff(buildSchema(committed(values.against)), buildSchema(printedSchema()));
const groups = [
  ['Breaking', CriticalityLevel.Breaking],
  ['Dangerous', CriticalityLevel.Dangerous],
  ['Safe', CriticalityLevel.NonBreaking],
] as const;
for (const [title, level] of groups) {
  const found = changes.filter(({ criticality }) => criticality.level === level);
  process.stdout.write(`${title}: ${found.length}\n`);
  for (const { message, path } of found) {
    process.stdout.write(`  ${path ? `${path}: ` : ''}${message}\n`);
  }
}
if (changes.some(({ criticality }) => criticality.level === CriticalityLevel.Breaking)) {
  process.exitCode = 1;
}
