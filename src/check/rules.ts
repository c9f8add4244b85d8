import { apiRules } from './api/api-rules.ts';
import type { Rule } from './finding.ts';

/** The committed schema is the base of later checks, and what clients generate their code from. */
export const SCHEMA_FILE_OUTDATED: Rule = {
  id: 'schema-file-outdated',
  severity: 'dangerous',
  effect: 'Clients generate code from another schema, and later checks compare with it.',
  remedy: 'Run npm run schema:print and commit the file.',
};

/** The rules of all parts of the check, by id. */
export const rules: ReadonlyMap<string, Rule> = new Map([
  ...apiRules,
  [SCHEMA_FILE_OUTDATED.id, SCHEMA_FILE_OUTDATED],
]);
