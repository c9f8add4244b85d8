import type { Rule } from '../finding.ts';
import { directiveRules } from './directive-rules.ts';
import { typeRules } from './type-rules.ts';
import { valueRules } from './value-rules.ts';

/** The rules about changes of the API, by id. */
export const apiRules: ReadonlyMap<string, Rule> = new Map(
  [...typeRules, ...valueRules, ...directiveRules].map((rule) => [rule.id, rule]),
);
