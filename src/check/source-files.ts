import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from './finding.ts';
import type { Git } from './git.ts';

/** What the schema is made of: descriptors, Prisma's models, and special fields. */
const FOLDERS = { models: 'src/models', prisma: 'prisma/models', schema: 'src/schema' } as const;
export type SourceKind = keyof typeof FOLDERS;

export interface SourceFile {
  kind: SourceKind;
  file: string;
  lines: readonly string[];
}

/** A line that was removed since the base; the place is where it stood. */
export interface RemovedLine extends Place {
  text: string;
}

/** Returns the files that the schema of a folder is made of; none outside of a gateway's source. */
export function sourceFiles(folder: string): SourceFile[] {
  return Object.entries(FOLDERS).flatMap(([kind, path]) => {
    if (!existsSync(join(folder, path)) || !isKind(kind)) return [];
    return readdirSync(join(folder, path), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(ts|prisma)$/.test(file))
      .sort()
      .map((file) => ({
        kind,
        file: `${path}/${file.replaceAll('\\', '/')}`,
        lines: readFileSync(join(folder, path, file), 'utf8').split('\n'),
      }));
  });
}

/** Returns what was removed from those files since a commit. */
export function removedLines(git: Git, commit: string): RemovedLine[] {
  const folders = Object.values(FOLDERS);
  const diff = git.read(
    'diff',
    '-U0',
    '--no-color',
    '--no-ext-diff',
    '--src-prefix=a/',
    '--dst-prefix=b/',
    '--relative',
    commit,
    '--',
    ...folders,
  );
  let file = '';
  let line = 1;
  const removed: RemovedLine[] = [];
  for (const text of diff?.split('\n') ?? []) {
    const [, name] = /^(?:---|\+\+\+) [ab]\/(.*)/.exec(text) ?? [];
    const [, start] = /^@@ -\S+ \+(\d+)/.exec(text) ?? [];
    if (name) file = name;
    else if (start) line = Math.max(1, Number(start));
    else if (text.startsWith('-')) removed.push({ file, line, text: text.slice(1) });
  }
  return removed;
}

function isKind(name: string): name is SourceKind {
  return name in FOLDERS;
}
