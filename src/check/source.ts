import type { Git } from './git.ts';

/** What is checked, as it is in files and in git. */
export interface Source {
  folder: string;
  git: Git;
  /** The commit that the base is of; undefined if it is no commit. */
  commit: string | undefined;
  /** The file of the schema, relative to the folder. */
  schemaFile: string;
  /** The schema of the code, which the file should have. */
  headText: string;
}
