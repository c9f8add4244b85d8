import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Installs what only the bench depends on, such as PostGraphile and its Node, unless it is there. */
export async function installPeers(onProgress: (step: string) => void): Promise<void> {
  if (areInstalled()) return;
  onProgress('Installing PostGraphile and Node');
  const cwd = fileURLToPath(new URL('.', import.meta.url));
  await promisify(execFile)('npm', ['ci', '--no-audit', '--no-fund'], { cwd });
}

/** Returns the exact versions of what is compared. */
export function versions(): Record<string, string> {
  return { gateway: readPackage('..').version, ...peers() };
}

function areInstalled(): boolean {
  const { dependencies, devDependencies } = readPackage('.');
  return Object.entries<string>({ ...dependencies, ...devDependencies }).every(
    ([name, version]) => {
      const folder = `node_modules/${name}`;
      return (
        existsSync(new URL(folder, import.meta.url)) && readPackage(folder).version === version
      );
    },
  );
}

function peers(): { postgraphile: string; node: string } {
  const { dependencies, devDependencies } = readPackage('.');
  return { postgraphile: dependencies.postgraphile, node: devDependencies.node };
}

function readPackage(folder: string) {
  return JSON.parse(readFileSync(new URL(`${folder}/package.json`, import.meta.url), 'utf8'));
}
