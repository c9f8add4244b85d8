import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CheckProblem } from './check-problem.ts';

/** The folder of the gateway: of its source, or of what is built from it. */
const ROOT = join(import.meta.dirname, '..', '..');

/**
 * Returns the schema of this gateway's code, as text. Where Prisma's models changed since their code
 * was generated, it is generated first. Throws CheckProblem.
 */
export async function schemaOfCode(report: (step: string) => void): Promise<string> {
  if (isOutdated(ROOT)) {
    report('Generating, because prisma/ changed');
    generate(ROOT);
  }
  try {
    // Loaded only here: before, it might be out of date.
    const { printedSchema } = await import('../schema/print-cli.ts');
    return printedSchema();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CheckProblem(`The code makes no schema. Fix it first: ${reason}`);
  }
}

/** Whether generated code is of other models than those in prisma/; never so in a built gateway. */
export function isOutdated(root: string): boolean {
  if (!existsSync(join(root, 'prisma.config.ts'))) return false;
  const client = join(root, 'src/generated/prisma/internal/class.ts');
  const catalog = join(root, 'src/generated/catalog.ts');
  if (!existsSync(client) || !existsSync(catalog)) return true;
  // Only the client has the models in it: that it is up to date says nothing of another generator.
  const generator = join(root, 'prisma/catalog-generator.mjs');
  if (statSync(generator).mtimeMs > statSync(catalog).mtimeMs) return true;
  const inline = /^ *"inlineSchema": (".*"),?$/m.exec(readFileSync(client, 'utf8'))?.[1];
  return inline === undefined || withoutSpace(JSON.parse(inline)) !== withoutSpace(models(root));
}

/** All of Prisma's files in the order in which the generator joins them. */
function models(root: string): string {
  const folder = join(root, 'prisma');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.prisma'))
    .sort();
  return files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n');
}

/** The generator formats the text. */
const withoutSpace = (text: string) => text.replace(/\s+/g, '');

function generate(root: string): void {
  const prisma = join(root, 'node_modules/prisma/build/index.js');
  if (!existsSync(prisma)) {
    throw new CheckProblem('Install the dependencies first, with npm ci: prisma/ has changed.');
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, [prisma, 'generate'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0) {
    throw new CheckProblem(`Fix what "npm run generate" says:\n${stdout}${stderr}`);
  }
}
