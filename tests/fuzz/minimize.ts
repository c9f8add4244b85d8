import type { Finding, Found } from './compare.ts';
import { type Field, isRecord, type Plan, type PlanPair } from './plan.ts';

/** How many operations to send to find a smaller one. */
const ATTEMPTS = 120;

/** Removes parts of an operation while its answers still show the problem. */
export async function minimized(
  found: Found,
  check: (plans: PlanPair) => Promise<Finding | undefined>,
): Promise<Found> {
  let { plans: best, finding } = found;
  let attempts = 0;
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false;
    // The two plans differ only in a cursor: both are reduced in the same way.
    const wholes = smaller(best.whole);
    const alones = smaller(best.alone);
    for (const [n, whole] of wholes.entries()) {
      const alone = alones[n];
      if (!alone || attempts >= ATTEMPTS) break;
      attempts += 1;
      const still = await check({ whole, alone });
      if (still?.kind !== finding.kind) continue;
      best = { whole, alone };
      finding = still;
      isSmaller = true;
      break;
    }
  }
  return { finding, plans: best };
}

/** Every plan without one part, the largest parts first. */
function smaller(plan: Plan): Plan[] {
  return lists(plan.fields).map((fields) => ({ ...plan, fields }));
}

function lists(fields: readonly Field[]): Field[][] {
  const without =
    fields.length > 1 ? fields.map((each) => fields.filter((other) => other !== each)) : [];
  const within = fields.flatMap((field, n) => {
    const replaced = (changed: Field) => fields.map((other, m) => (m === n ? changed : other));
    return [
      ...field.args
        .filter(({ isNeeded }) => !isNeeded)
        .map((arg) => replaced({ ...field, args: field.args.filter((other) => other !== arg) })),
      ...(field.fields.length > 0
        ? lists(field.fields).map((inner) => replaced({ ...field, fields: inner }))
        : []),
      ...field.args.flatMap((arg) =>
        values(arg.value).map((value) =>
          replaced({
            ...field,
            args: field.args.map((other) => (other === arg ? { ...arg, value } : other)),
          }),
        ),
      ),
    ];
  });
  return [...without, ...within];
}

/** Every value without one key or item. */
function values(value: unknown): unknown[] {
  if (Array.isArray(value)) {
    return [
      ...(value.length > 1 ? value.map((_, n) => value.filter((_, m) => m !== n)) : []),
      ...value.flatMap((item, n) =>
        values(item).map((changed) => value.map((other, m) => (m === n ? changed : other))),
      ),
    ];
  }
  if (!isRecord(value)) return [];
  const entries = Object.entries(value);
  const less =
    entries.length > 1 ? entries.map(([key]) => entries.filter(([each]) => each !== key)) : [];
  return [
    ...less.map((rest) => Object.fromEntries(rest)),
    ...entries.flatMap(([key, item]) =>
      values(item).map((changed) => ({ ...value, [key]: changed })),
    ),
  ];
}
