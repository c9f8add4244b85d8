import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildClientSchema, buildSchema, type GraphQLSchema, printSchema } from 'graphql';
import { findBaseCommit, namedCommit } from './base-commit.ts';
import { CheckProblem } from './check-problem.ts';
import { introspect, introspectionIn } from './endpoint.ts';
import type { Git } from './git.ts';
import type { Variables } from './variables.ts';

/** The schema to compare with. */
export interface Base {
  /** In the schema definition language. */
  text: string;
  /** Completes "compared with". */
  description: string;
  /** The commit that it is of, if it comes from git. */
  commit?: string;
  note?: string;
}

export interface BaseOptions {
  folder: string;
  git: Git;
  variables: Variables;
  /** A commit, a file or the URL of an endpoint; if left out, it is found. */
  base: string | undefined;
  /** The token for an endpoint. */
  token: string | undefined;
  /** The file of the schema in the repository. */
  schemaFile: string;
}

/** Returns the schema to compare with. Throws CheckProblem where there is none. */
export async function readBase(options: BaseOptions): Promise<Base> {
  const { base, folder, git, variables } = options;
  if (base === undefined) return committed(options, findBaseCommit(git, variables));
  if (/^https?:\/\//i.test(base)) {
    const text = printSchema(await introspect(base, options.token));
    return { text, description: base };
  }
  const file = resolve(folder, base);
  if (existsSync(file) && statSync(file).isFile()) return inFile(file, base);
  if (/\.(graphqls?|gql|json)$/.test(base)) {
    throw new CheckProblem(`There is no file ${base} in ${folder}.`);
  }
  return committed(options, namedCommit(git, base));
}

function committed(
  { git, schemaFile }: BaseOptions,
  { id, description, note }: ReturnType<typeof namedCommit>,
): Base {
  const text = git.read('show', `${id}:./${schemaFile}`);
  if (text === undefined) {
    throw new CheckProblem(
      `There is no ${schemaFile} in ${description}. Name its path with --schema, or another base with --base.`,
    );
  }
  return { text, description, commit: id, ...(note && { note }) };
}

function inFile(file: string, name: string): Base {
  const text = readFileSync(file, 'utf8');
  if (!name.endsWith('.json')) return { text, description: name };
  const result = introspectionIn(text);
  if (!result) {
    throw new CheckProblem(
      `${name} is no result of an introspection query: it has no "__schema". A base is such a file, or one in the schema definition language.`,
    );
  }
  return { text: printSchema(buildClientSchema(result)), description: name };
}

/** Returns a schema from its text. Throws CheckProblem, which says where the text is wrong. */
export function parsed(text: string, description: string): GraphQLSchema {
  try {
    return buildSchema(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const [at] = error instanceof Error && 'locations' in error ? locationsOf(error.locations) : [];
    const place = at ? ` (line ${at.line}, column ${at.column})` : '';
    throw new CheckProblem(
      `The schema of ${description} is not valid${place}: ${reason.split('\n', 1)[0]} Fix it, or name another base with --base.`,
    );
  }
}

function locationsOf(value: unknown): { line: number; column: number }[] {
  return Array.isArray(value) ? value : [];
}

/** Returns the committed schema of the working tree; undefined if there is none. */
export function committedSchema(folder: string, schemaFile: string): string | undefined {
  const file = join(folder, schemaFile);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
