// Runs before anything else, on any Node: newer syntax than in 2017 would end in a SyntaxError.
import { readFileSync } from 'node:fs';

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const parse = (text) => /(\d+)\.(\d+)/.exec(text).slice(1).map(Number);
const [major, minor] = parse(process.versions.node);
const [wantedMajor, wantedMinor] = parse(engines.node);

if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor)) {
  process.stderr.write(
    `Codex Gateway needs Node ${wantedMajor}.${wantedMinor} or newer, and this is Node ${process.versions.node}.\n` +
      'Install Node 24, 22 or 20 from https://nodejs.org, then run npm ci again.\n',
  );
  process.exit(1);
}
