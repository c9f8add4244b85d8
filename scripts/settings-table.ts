// Writes the table of settings in docs/operations.md from their definitions in src/env.ts.
import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { settings } from '../src/env.ts';

const PAGE = 'docs/operations.md';
const TABLE =
  /(?<=^\| Name \| Default \| Values \| Meaning \|\n\| --- \| --- \| --- \| --- \|\n)(\|.*\n)+/m;

type Json = z.core.JSONSchema.JSONSchema;

/** Returns the page with the table of today's settings. */
export function withSettings(page: string): string {
  if (!TABLE.test(page)) throw new Error(`${PAGE} has no table of settings.`);
  const { properties = {} } = z.toJSONSchema(settings, { io: 'input' });
  const rows = Object.entries(settings.shape).map(([name, setting]) => {
    const json = properties[name] as Json;
    return `| ${[`\`${name}\``, defaultOf(setting), valuesOf(json), json.description].join(' | ')} |\n`;
  });
  return page.replace(TABLE, rows.join(''));
}

function defaultOf(setting: z.ZodType): string {
  const shown = setting.meta()?.default;
  if (shown !== undefined) return String(shown);
  const value = setting.parse(undefined);
  return value === undefined || String(value) === '' ? '' : `\`${value}\``;
}

function valuesOf({ enum: names, minimum, maximum, minLength }: Json): string {
  if (names) return names.map((name) => `\`${name}\``).join(' ');
  if (minLength) return `at least ${minLength} characters`;
  return maximum === undefined ? '' : `${minimum} to ${maximum}`;
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(PAGE, withSettings(readFileSync(PAGE, 'utf8')));
}
