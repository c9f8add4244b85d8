import { type Change, ChangeType, diff, type TypeOfChangeType } from '@graphql-inspector/core';
import { type Finding, found } from '../finding.ts';
import { apiRules } from './api-rules.ts';
import { directiveJudges } from './changed-directives.ts';
import { typeJudges } from './changed-types.ts';
import { valueJudges } from './changed-values.ts';
import type { Schemas } from './schemas.ts';
import { unseenChanges } from './unseen-changes.ts';
import type { Judge, Judges, Verdict } from './verdict.ts';

/** Deprecations of everything that can be deprecated are compared in unseen-changes.ts. */
const comparedElsewhere = () => undefined;

export const judges: Judges = {
  ...typeJudges,
  ...valueJudges,
  ...directiveJudges,
  [ChangeType.FieldDeprecationAdded]: comparedElsewhere,
  [ChangeType.FieldDeprecationRemoved]: comparedElsewhere,
  [ChangeType.FieldDeprecationReasonChanged]: comparedElsewhere,
  [ChangeType.FieldDeprecationReasonAdded]: comparedElsewhere,
  [ChangeType.FieldDeprecationReasonRemoved]: comparedElsewhere,
  [ChangeType.EnumValueDeprecationReasonAdded]: comparedElsewhere,
  [ChangeType.EnumValueDeprecationReasonChanged]: comparedElsewhere,
  [ChangeType.EnumValueDeprecationReasonRemoved]: comparedElsewhere,
};

/** What these add is new with all that belongs to it. */
const NEW =
  /^(type|field|(applied-)?directive|enum-value|(required|optional)-[a-z-]+|[a-z-]+-with-default)-added$/;

/** Returns how a change of the API counts by our rules. Both schemas are built from text. */
export async function apiFindings(schemas: Schemas): Promise<Finding[]> {
  const changes = await diff(schemas.base, schemas.head);
  const seen = changes.flatMap((change) => judged(change, schemas));
  const added = new Set(seen.filter(({ rule }) => NEW.test(rule)).map(({ path }) => path));
  const verdicts = [
    ...seen.filter((verdict) => !isPartOfNew(verdict, added)),
    ...unseenChanges(schemas),
  ];
  const findings = new Map<string, Finding>();
  for (const { rule, path, message = '' } of verdicts) {
    const known = apiRules.get(rule);
    if (!known) throw new Error(`There is no rule ${rule}`);
    // A changed value of a directive's argument is reported as removed and as added.
    findings.set(`${rule} ${path}`, found(known, path, message));
  }
  return [...findings.values()];
}

function judged<Type extends TypeOfChangeType>(
  change: Change<Type>,
  schemas: Schemas,
): Required<Verdict>[] {
  const judge: Judge<Type> = judges[change.type];
  const verdict = judge(change.meta, schemas);
  return verdict ? [{ message: change.message, ...verdict }] : [];
}

function isPartOfNew({ rule, path }: Verdict, added: ReadonlySet<string>): boolean {
  if (added.has(path) && !NEW.test(rule)) return true;
  for (let owner = ownerOf(path); owner; owner = ownerOf(owner)) if (added.has(owner)) return true;
  return false;
}

/** Returns what a coordinate belongs to: of `A.b(c:)` that is `A.b`, then `A`. */
function ownerOf(path: string): string {
  return path.endsWith(')')
    ? path.slice(0, path.lastIndexOf('('))
    : path.slice(0, Math.max(0, path.lastIndexOf('.')));
}
