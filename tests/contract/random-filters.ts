import { Random } from '../torture/random.ts';
import { type Case, caseOf } from './cases.ts';
import { type Check, columnChecks, throughRelation } from './checks.ts';
import type { VariedWorld } from './varied.ts';

/** Levels of and, or and not, outside and inside of a relation. */
const LEVELS = { outside: 2, inside: 2 };

/** Returns random filters with many parts on a model, the same ones every time. */
export async function randomChecks(
  world: VariedWorld,
  shown: Case,
  count: number,
): Promise<Check[]> {
  const random = new Random(shown.name);
  const relations = [...shown.one, ...shown.many];
  const own = await columnChecks(world, shown, 'a');
  const checks: Check[] = [];
  for (let n = 0; n < count; n += 1) {
    const [name, relation] = relations.length > 0 ? random.pick(relations) : [];
    const theirs = relation ? await columnChecks(world, caseOf(relation.to), 'b') : [];
    const inside = () => random.pick(theirs);
    const outside = () => {
      if (!name || !relation || random.chance(0.5)) return random.pick(own);
      const condition = combined(random, inside, LEVELS.inside);
      return random.pick(throughRelation(shown.name, name, relation, condition));
    };
    checks.push(combined(random, outside, LEVELS.outside));
  }
  return checks;
}

/** A random combination of conditions from `leaf`, with up to `levels` levels. */
function combined(random: Random, leaf: () => Check, levels: number): Check {
  if (levels === 0) return leaf();
  const part = () => combined(random, leaf, levels - 1);
  const kind = random.pick(['and', 'or', 'not', 'together'] as const);
  if (kind === 'not') {
    const { filter, sql } = part();
    return { filter: { not: filter }, sql: `not (${sql})` };
  }
  const parts = Array.from({ length: 1 + random.below(3) }, part);
  const sql = (word: string) => parts.map((each) => `(${each.sql})`).join(` ${word} `);
  if (kind === 'together') {
    const [{ filter, sql: first }, ...others] = parts as [Check, ...Check[]];
    const rest = others.map((each) => each.filter);
    const anyOf = others.length > 0 ? others.map((each) => `(${each.sql})`).join(' or ') : 'true';
    return {
      filter: { and: [filter], ...(rest.length > 0 ? { or: rest } : {}) },
      sql: `(${first}) and (${anyOf})`,
    };
  }
  return { filter: { [kind]: parts.map(({ filter }) => filter) }, sql: sql(kind) };
}
