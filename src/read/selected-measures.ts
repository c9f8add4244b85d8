import { type FieldNode, getArgumentValues } from 'graphql';
import type { SelectedMeasure } from '../aggregate/read-aggregate.ts';
import type { Input } from '../resolvers/conditions.ts';
import type { Measure } from '../resolvers/measure.ts';
import { statisticNamed } from '../resolvers/read-measures.ts';
import { refusal } from '../resolvers/refusal.ts';
import { type AnyField, objectType, type Reading, selectedFields, setsOf } from './selection.ts';

type Statistics = Extract<Measure, { statistic: unknown }>;
type Without<M> = M extends unknown ? Omit<M, 'statistic'> : never;

/** Returns the measures that a document selects of an aggregate's groups. */
export function selectedMeasures(
  reading: Reading,
  type: AnyField['type'],
  asked: readonly FieldNode[],
): SelectedMeasure[] {
  const found = new Found(reading);
  for (const { field, nodes } of found.fieldsOf(type, asked)) {
    if (field.name === 'groups') found.group(field, nodes, false);
  }
  return found.measures;
}

class Found {
  readonly #reading: Reading;
  readonly measures: SelectedMeasure[] = [];

  constructor(reading: Reading) {
    this.#reading = reading;
  }

  /** The fields that are selected of a field's type, but `__typename`. */
  *fieldsOf(output: AnyField['type'], parents: readonly FieldNode[]) {
    const type = objectType(output);
    for (const [alias, nodes] of selectedFields(this.#reading, type, setsOf(parents))) {
      const [node] = nodes as [FieldNode];
      const field = type.getFields()[node.name.value];
      if (field) yield { alias, field, nodes, node };
    }
  }

  group(parent: AnyField, parents: readonly FieldNode[], isPrevious: boolean): void {
    const add = (measure: Measure, path: string, name = path) => {
      const before = isPrevious ? 'previous.' : '';
      this.measures.push({ measure, isPrevious, path: before + path, name: before + name });
    };
    for (const { alias, field, nodes, node } of this.fieldsOf(parent.type, parents)) {
      const given = getArgumentValues(field, node, this.#reading.variables);
      switch (field.name) {
        case 'count':
          add({ kind: 'count', filter: (given.filter ?? null) as Input | null }, alias);
          break;
        case 'distinct':
          for (const { field: column } of this.fieldsOf(field.type, nodes)) {
            add({ kind: 'distinct', column: column.name }, `${alias}.${column.name}`);
          }
          break;
        case 'values':
          for (const { field: column, nodes: inner } of this.fieldsOf(field.type, nodes)) {
            const of = { kind: 'statistic', column: column.name } as const;
            this.#statistics(of, column, inner, (measure, name) =>
              add(measure, `${alias}.${column.name}.${name}`),
            );
          }
          break;
        case 'between': {
          const of = {
            kind: 'between',
            from: given.from as string,
            to: given.to as string,
          } as const;
          this.#statistics(of, field, nodes, (measure, name) =>
            add(measure, alias, `${alias}.${name}`),
          );
          break;
        }
        case 'previous':
          if (isPrevious) throw refusal(alias, '"previous" has no "previous" of its own.');
          this.group(field, nodes, true);
      }
    }
  }

  #statistics(
    of: Without<Statistics>,
    parent: AnyField,
    parents: readonly FieldNode[],
    add: (measure: Measure, name: string) => void,
  ): void {
    for (const { field, node, alias } of this.fieldsOf(parent.type, parents)) {
      const { at } = getArgumentValues(field, node, this.#reading.variables);
      add({ ...of, statistic: statisticNamed(field.name, at) }, alias);
    }
  }
}
