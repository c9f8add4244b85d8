import type { Answer } from '../server/support/gateway.ts';
import type { Random } from '../torture/random.ts';
import { type Field, type Plan, type PlanPair, visitAnswer } from './plan.ts';
import type { FuzzWorld } from './world.ts';

const CURSOR = /^(startCursor|endCursor|cursor)$/;
/** How often the next page is read, and how often a cursor is at a foreign row. */
const OFTEN = 0.6;
const FOREIGN = 0.3;

/** Returns the plan that continues after a cursor of an answer; undefined if there is none. */
export function continued(
  world: FuzzWorld,
  plan: Plan,
  answers: readonly [Answer, Answer],
  random: Random,
): PlanPair | undefined {
  if (plan.operation === 'mutation' || !random.chance(OFTEN)) return undefined;
  const [whole, alone] = answers.map(({ data }) => cursorsIn(plan, data));
  if (!whole || !alone || whole.length === 0 || whole.length !== alone.length) return undefined;
  const at = random.below(whole.length);
  const [ours, theirs] = [whole[at], alone[at]];
  if (!ours || !theirs) return undefined;
  const isForeign = random.chance(FOREIGN);
  const cursor = (text: string) => (isForeign ? foreignCursor(world, text) : text);
  return {
    whole: after(plan, ours.list, cursor(ours.cursor)),
    alone: after(plan, theirs.list, cursor(theirs.cursor)),
  };
}

function cursorsIn({ fields }: Plan, data: unknown): { list: Field; cursor: string }[] {
  const found: { list: Field; cursor: string }[] = [];
  visitAnswer(fields, data, (list, page) => {
    if (!String(list.type).includes('Connection')) return;
    visitAnswer(list.fields, page, (field, value) => {
      // A list inside of this one has cursors of its own.
      if (CURSOR.test(field.name) && typeof value === 'string' && isOf(list, field)) {
        found.push({ list, cursor: value });
      }
    });
  });
  return found;
}

/** Whether a cursor is the list's own: of its edges, or of its page. */
function isOf(list: Field, cursor: Field): boolean {
  return list.fields.some(
    ({ name, fields }) => (name === 'edges' || name === 'pageInfo') && fields.includes(cursor),
  );
}

/** A cursor at another workspace's row: cursors are not secret, so anybody can make one. */
function foreignCursor({ ids }: FuzzWorld, cursor: string): string {
  let text = Buffer.from(cursor, 'base64url').toString();
  if (!text.startsWith('[')) return cursor;
  for (const { ours, theirs } of ids.values()) {
    for (const [n, id] of ours.entries()) text = text.replaceAll(id, theirs[n] ?? id);
  }
  return Buffer.from(text).toString('base64url');
}

/** The plan with the list after a cursor, or before it if it is read backward. */
function after(plan: Plan, list: Field, cursor: string): Plan {
  const isBackward = list.args.some(({ name }) => name === 'last');
  const type = list.args.find(({ name }) => name === 'last' || name === 'first')?.type;
  const argument = { name: isBackward ? 'before' : 'after', value: cursor, isInline: true };
  const changed = (field: Field): Field => ({
    ...field,
    args:
      field === list && type ? [...field.args, { ...argument, type, isNeeded: false }] : field.args,
    fields: field.fields.map(changed),
  });
  return { ...plan, fields: plan.fields.map(changed) };
}
