import type { Asked, AskedKey, AskedMeasure } from './asked.ts';

const upper = (name: string) => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();

/** A field of a document, with its variables as `$0`, `$1`… */
export interface AskedField {
  /** Its arguments and its selection. */
  text: string;
  variables: [type: string, value: unknown][];
}

/** Returns the arguments and the selection of an aggregate. */
export function fieldOf(asked: Asked): AskedField {
  const variables: [string, unknown][] = [];
  const filter = (value: object) => `$${variables.push([`${asked.shown.name}Filter`, value]) - 1}`;
  const { keys, measures, having, order, first, offset, totals, check } = asked;
  const args = [
    ...(check ? [`filter: ${filter(check.filter)}`] : []),
    `groupBy: [${keys.map((key) => keyInput(key, howInput(key))).join(', ')}]`,
    ...(having ? [`having: { count: { gt: ${having} } }`] : []),
    `orderBy: [${order
      .map(({ by, direction, nulls }) => {
        const term =
          typeof by === 'number'
            ? keyOrder(keys[by] as AskedKey)
            : measureOrder(by, direction, filter);
        return `{ ${term} direction: ${direction}, nulls: ${nulls} }`;
      })
      .join(', ')}]`,
    ...(keys.length > 0 ? [`first: ${first}`, `offset: ${offset}`] : []),
    `totals: ${totals}`,
  ];
  const shown = [
    ...keys.map((key, n) => `k${n}: key { ${keySelection(key)} }`),
    ...measures.map((measure, n) => measureSelection(measure, `m${n}`, filter)),
  ];
  return {
    text: `(${args.join(', ')}) { totalGroups groups { keyCount isTotal ${shown.join(' ')} } }`,
    variables,
  };
}

function keyInput({ relation, column }: AskedKey, how: string): string {
  return relation ? `{ ${relation}: { ${column}: ${how} } }` : `{ ${column}: ${how} }`;
}

function keyOrder(key: AskedKey): string {
  return `key: ${keyInput(key, key.how.kind === 'part' ? `{ part: ${key.how.part} }` : '{}')}`;
}

function howInput({ how }: AskedKey): string {
  switch (how.kind) {
    case 'value':
      return '{}';
    case 'items':
      return '{ items: true }';
    case 'path':
      return '{ path: ["a"] }';
    case 'bucket':
      return `{ bucket: ${how.unit}, timeZone: "${how.timeZone}" }`;
    case 'part':
      return `{ part: ${how.part}, timeZone: "${how.timeZone}" }`;
    case 'step':
      return `{ width: "${how.width}" }`;
  }
}

function keySelection({ relation, column, how }: AskedKey): string {
  const own = how.kind === 'part' ? `v: part(of: ${upper(column)})` : `v: ${column}`;
  return relation ? `v: ${relation}Key { ${own} }` : own;
}

function measureSelection(
  measure: AskedMeasure,
  alias: string,
  filter: (value: object) => string,
): string {
  switch (measure.kind) {
    case 'count':
      return `${alias}: count${measure.check ? `(filter: ${filter(measure.check.filter)})` : ''}`;
    case 'distinct':
      return `${alias}: distinct { v: ${measure.column} }`;
    case 'between':
      return `${alias}: between(from: ${upper(measure.from)}, to: ${upper(measure.to)}) { v: ${measure.statistic} }`;
    case 'statistic':
      return `${alias}: values { v: ${measure.column} { v: ${measure.statistic} } }`;
  }
}

function measureOrder(
  measure: AskedMeasure,
  direction: string,
  filter: (value: object) => string,
): string {
  switch (measure.kind) {
    case 'count':
      return `count: ${direction}${measure.check ? `, filter: ${filter(measure.check.filter)}` : ''}`;
    case 'distinct':
      return `statistic: DISTINCT, of: ${upper(measure.column)}`;
    case 'between':
      return `statistic: ${measure.statistic.toUpperCase()}, of: ${upper(measure.from)}, until: ${upper(measure.to)}`;
    case 'statistic':
      return `statistic: ${measure.statistic.toUpperCase()}, of: ${upper(measure.column)}`;
  }
}
