import { columnOf, relationOf } from '../resolvers/catalog.ts';
import type { Comparison, Condition } from '../resolvers/conditions.ts';
import { filterSql, type OperandOf, operandValue } from '../sql/filter.ts';
import { empty, identifier, join, type Sql, sql } from '../sql/fragment.ts';
import { type RowInput, secondsSql } from '../sql/measure-text.ts';
import { joinSql } from '../sql/relation.ts';
import type { Scope, Scopes } from '../sql/scope.ts';
import { sqlType } from '../sql/types.ts';
import type { Values } from '../sql/values.ts';
import type { Aggregate, GroupKey, Shift } from './description.ts';
import { keySql } from './key-text.ts';
import type { RowInputs } from './row-inputs.ts';

/** The rows that groups are made of: those of the filter, those to compare them with, and none. */
export const SIDES = { current: sql`0`, previous: sql`1`, filled: sql`2` };

/** The parents whose rows are grouped: for each column, the value that each of them has. */
export interface ParentValues {
  columns: readonly string[];
  values: readonly (readonly unknown[])[];
}

/** How an aggregate is composed. */
export interface Composition {
  values: Values;
  scopes: Scopes;
  /** The parents whose rows are grouped, each for itself. */
  parents: ParentValues | null;
  /** The row and the relation that leads to the rows. */
  within: { parent: Scope; relation: string } | null;
  /** Whether keys and measures are values as GraphQL's types take them, or texts as the API shows them. */
  form: 'values' | 'text';
}

/** Composes the query for the rows of an aggregate: parents as p0, keys as k0, inputs as x0. */
export class RowsText {
  readonly #aggregate: Aggregate;
  readonly #parents: ParentValues | null;
  readonly #within: Composition['within'];
  readonly #values: Values;
  readonly #scopes: Scopes;
  readonly #inputs: RowInputs;

  constructor(
    aggregate: Aggregate,
    { parents, within, values, scopes }: Composition,
    inputs: RowInputs,
  ) {
    this.#aggregate = aggregate;
    this.#parents = parents;
    this.#within = within;
    this.#values = values;
    this.#scopes = scopes;
    this.#inputs = inputs;
  }

  /** The rows of the filter; `side` if it has to be known which they are. */
  current(side: Sql | null): Sql {
    return this.#select(null, side);
  }

  /** The rows to compare them with, under the keys of those that they are compared with. */
  previous(shift: Shift): Sql {
    return this.#select(shift, SIDES.previous);
  }

  #select(shift: Shift | null, side: Sql | null): Sql {
    const { model, keys, filter } = this.#aggregate;
    const scope = this.#scopes.over(model);
    const joins: Sql[] = [];
    const operandOf = this.#operandOf(shift, filter);
    const columns = (this.#parents?.columns ?? []).map(
      (column, n) => sql`${scope.column(column)} as ${identifier(`p${n}`)}`,
    );
    keys.forEach((key, n) => {
      columns.push(sql`${this.#key(scope, key, joins, shift)} as ${identifier(`k${n}`)}`);
    });
    for (const { input, name } of this.#inputs.all) {
      columns.push(sql`${this.#input(scope, input, shift)} as ${name}`);
    }
    if (side) columns.push(sql`${side} as side`);
    const conditions = this.#ofParents(scope);
    if (filter) conditions.push(filterSql(this.#scopes, scope, filter, operandOf));
    const where = conditions.length > 0 ? sql` where ${join(conditions, ' and ')}` : empty;
    const selected = columns.length > 0 ? join(columns, ', ') : sql`1`;
    const joined = joins.length > 0 ? sql` ${join(joins, ' ')}` : empty;
    return sql`select ${selected} from ${scope.table}${joined}${where}`;
  }

  #ofParents(scope: Scope): Sql[] {
    if (this.#within) return [joinSql(this.#within.parent, this.#within.relation, scope)];
    const { columns = [], values = [] } = this.#parents ?? {};
    return columns.map((name, n) => {
      const type = sql`${sqlType(columnOf(scope.model, name))}[]`;
      return sql`${scope.column(name)} = any(${this.#values.add(values[n], type)})`;
    });
  }

  #key(scope: Scope, key: GroupKey, joins: Sql[], shift: Shift | null): Sql {
    let owner = scope;
    if (key.relation) {
      owner = this.#scopes.over(relationOf(scope.model, key.relation).to);
      joins.push(sql`left join ${owner.table} on ${joinSql(scope, key.relation, owner)}`);
    }
    let e = owner.column(key.name);
    if (key.grouping.kind === 'items') {
      const alias = identifier(`i${joins.length}`);
      // A row counts once for an item, however often its list has it.
      joins.push(
        sql`left join lateral (select distinct item from unnest(${e}) item) ${alias} on true`,
      );
      e = sql`${alias}.item`;
    }
    if (shift && key.relation === null && key.name === shift.column) {
      e = this.#moved(e, sql`+`, shift, key.column.nativeType === 'Date');
    }
    return keySql(key, e, this.#values);
  }

  #input(scope: Scope, input: RowInput, shift: Shift | null): Sql {
    switch (input.kind) {
      case 'column':
        return scope.column(input.column);
      case 'filter':
        return filterSql(this.#scopes, scope, input.filter, this.#operandOf(shift, input.filter));
      case 'seconds':
        return secondsSql(scope.column(input.from), scope.column(input.to));
    }
  }

  /** The operands of a filter; those of the column that is moved, moved back. */
  #operandOf(shift: Shift | null, filter: Condition | null): OperandOf {
    const moved = new Set(shift && filter ? ownComparisons(filter, shift.column) : []);
    return (comparison, type, part) => {
      if (part === 'path') return this.#values.add([...comparison.path], type);
      const operand = this.#values.add(operandValue(comparison), type);
      if (!shift || !moved.has(comparison)) return operand;
      const isDay = comparison.column.nativeType === 'Date';
      if (!Array.isArray(comparison.operand)) return this.#moved(operand, sql`-`, shift, isDay);
      const each = this.#moved(sql`u`, sql`-`, shift, isDay);
      const all = sql`array(select ${each} from unnest(${operand}) u)`;
      return sql`${all}::${sqlType(comparison.column)}[]`;
    };
  }

  #moved(e: Sql, direction: Sql, { duration, timeZone }: Shift, isDay: boolean): Sql {
    const by = this.#values.add(duration, sql`interval`);
    if (isDay) return sql`(${e} ${direction} ${by})::date`;
    const zone = this.#values.add(timeZone, sql`text`);
    return sql`((((${e}) at time zone ${zone}) ${direction} ${by}) at time zone ${zone})`;
  }
}

/** The comparisons of a column of the model itself, not of related rows. */
export function ownComparisons(condition: Condition, column: string): Comparison[] {
  switch (condition.kind) {
    case 'and':
    case 'or':
      return condition.parts.flatMap((part) => ownComparisons(part, column));
    case 'not':
      return ownComparisons(condition.part, column);
    case 'comparison':
      return condition.name === column ? [condition] : [];
    case 'related':
    case 'measured':
      return [];
  }
}
