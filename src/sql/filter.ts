import type { Comparison, Condition, MeasuredRows, RelatedRows } from '../resolvers/conditions.ts';
import { escapeLike } from '../resolvers/filter.ts';
import { empty, join, type Sql, sql, Unsupported } from './fragment.ts';
import { MeasureScope, measuresOver } from './measure-text.ts';
import { joinSql } from './relation.ts';
import type { Scope, Scopes } from './scope.ts';
import { driverValue, sqlType } from './types.ts';

/** Returns the parameter for the operand of a comparison, a list of operands, or a path into JSON. */
export type OperandOf = (comparison: Comparison, type: Sql, part?: 'path') => Sql;

/**
 * Returns a condition on the rows of a scope as SQL, whose three truth values are those of the
 * condition.
 */
export function filterSql(
  scopes: Scopes,
  scope: Scope,
  condition: Condition,
  operandOf: OperandOf,
): Sql {
  return new FilterText(scopes, operandOf).of(scope, condition, true);
}

/** The operand of a comparison as the driver takes it. */
export function operandValue({ column, operator, operand }: Comparison): unknown {
  switch (operator) {
    case 'has':
      // A list contains what its items contain.
      if (column.type === 'Json') return JSON.stringify([operand]);
      return driverValue(column, operand);
    case 'contains':
      return `%${escapeLike(operand as string)}%`;
    case 'startsWith':
      return `${escapeLike(operand as string)}%`;
    case 'endsWith':
      return `%${escapeLike(operand as string)}`;
    default:
      return column.type === 'Json' ? JSON.stringify(operand) : driverValue(column, operand);
  }
}

const OPERATORS: Record<string, Sql> = {
  equals: sql`=`,
  lt: sql`<`,
  lte: sql`<=`,
  gt: sql`>`,
  gte: sql`>=`,
};

class FilterText {
  readonly #scopes: Scopes;
  readonly #operandOf: OperandOf;

  constructor(scopes: Scopes, operandOf: OperandOf) {
    this.#scopes = scopes;
    this.#operandOf = operandOf;
  }

  /** `isSought` where it does not matter whether the condition is false or unknown. */
  of(scope: Scope, condition: Condition, isSought: boolean): Sql {
    switch (condition.kind) {
      case 'and':
      case 'or': {
        const isAnd = condition.kind === 'and';
        if (condition.parts.length === 0) return isAnd ? sql`true` : sql`false`;
        const parts = condition.parts.map((part) => this.of(scope, part, isSought));
        return sql`(${join(parts, isAnd ? ' and ' : ' or ')})`;
      }
      case 'not':
        return sql`(not ${this.of(scope, condition.part, false)})`;
      case 'comparison':
        return this.#comparison(scope, condition);
      case 'related':
        return this.#related(scope, condition, isSought);
      case 'measured':
        return this.#measured(scope, condition);
    }
  }

  #comparison(scope: Scope, comparison: Comparison): Sql {
    const { name, column, operator } = comparison;
    const e = scope.column(name);
    if (column.type === 'Json') return this.#jsonComparison(e, comparison);
    // Postgres compares lists of the same type only.
    if (column.isList && column.nativeType === 'VarChar') {
      return this.#listComparison(e, sql`varchar`, comparison);
    }
    const type = sqlType(column);
    if (column.isList) return this.#listComparison(e, type, comparison);
    switch (operator) {
      case 'isNull':
        return sql`(${e} is null)`;
      case 'in':
        return sql`(${e} = any(${this.#operandOf(comparison, sql`${type}[]`)}))`;
      case 'contains':
      case 'startsWith':
      case 'endsWith':
        return sql`(${e} ilike ${this.#operandOf(comparison, sql`text`)})`;
      default:
        return sql`(${e} ${binary(operator)} ${this.#operandOf(comparison, type)})`;
    }
  }

  #jsonComparison(e: Sql, comparison: Comparison): Sql {
    const { path, operator } = comparison;
    const at =
      path.length > 0 ? sql`${e} #> ${this.#operandOf(comparison, sql`text[]`, 'path')}` : e;
    // JSON's null is a missing value to clients.
    const value = sql`nullif(${at}, 'null')`;
    const operand = () => this.#operandOf(comparison, sql`jsonb`);
    const ofType = (type: Sql, compared: Sql) =>
      sql`(case when jsonb_typeof(${value}) = ${type} then ${compared} end)`;
    switch (operator) {
      case 'isNull':
        return sql`(${value} is null)`;
      case 'contains':
      case 'startsWith': {
        const pattern = this.#operandOf(comparison, sql`text`);
        return ofType(sql`'string'`, sql`${value} #>> '{}' ilike ${pattern}`);
      }
      case 'has':
        return ofType(sql`'array'`, sql`${value} @> ${operand()}`);
      case 'equals':
        return sql`(${value} = ${operand()})`;
      default:
        return ofType(
          sql`jsonb_typeof(${operand()})`,
          sql`${value} ${binary(operator)} ${operand()}`,
        );
    }
  }

  #listComparison(e: Sql, type: Sql, comparison: Comparison): Sql {
    // A list that is null reads as an empty one, so it is compared as one.
    const list = sql`coalesce(${e}, '{}')`;
    const items = () => sql`${this.#operandOf(comparison, sql`${type}[]`)}`;
    switch (comparison.operator) {
      case 'isEmpty':
        return sql`(${list} = '{}')`;
      case 'equals':
        return sql`(${list} = ${items()})`;
      case 'has':
        return sql`(${list} @> array[${this.#operandOf(comparison, type)}])`;
      case 'hasEvery':
        return sql`(${list} @> ${items()})`;
      case 'hasSome':
        return sql`(${list} && ${items()})`;
      default:
        throw new Unsupported(`${comparison.operator} of a list`);
    }
  }

  #related(scope: Scope, related: RelatedRows, isSought: boolean): Sql {
    const { name, quantifier, condition, relation } = related;
    const target = this.#scopes.over(relation.to);
    const joined = joinSql(scope, name, target);
    const matching = (isAlone: boolean) =>
      condition ? this.of(target, condition, isAlone) : sql`true`;
    const exists = (where: Sql) =>
      sql`exists(select 1 from ${target.table} where ${joined}${where})`;
    switch (quantifier) {
      case 'one':
        if (isSought || !condition) return exists(condition ? sql` and ${matching(true)}` : empty);
        // A condition on a missing row is unknown.
        return sql`(select ${matching(false)} from ${target.table} where ${joined})`;
      case 'some':
        return exists(sql` and ${matching(true)}`);
      case 'none':
        return sql`(not ${exists(sql` and ${matching(true)}`)})`;
      case 'every':
        return sql`(not ${exists(sql` and ${matching(false)} is not true`)})`;
    }
  }

  #measured(scope: Scope, { name, relation, filter, having, compared }: MeasuredRows): Sql {
    const rows = this.#scopes.over(relation.to);
    const measures = measuresOver(rows);
    const named = new MeasureScope(relation.to, (key) => {
      const measure = compared.get(key);
      if (!measure) throw new TypeError(`Nothing is known of ${key}`);
      return measures.of(measure);
    });
    const condition = this.of(named, having, false);
    const joined = joinSql(scope, name, rows);
    const where = filter ? sql`${joined} and ${this.of(rows, filter, true)}` : joined;
    // A count, so that there is one row even for a condition that compares nothing.
    const selected = join([sql`count(*)`, ...measures.selected()], ', ');
    return sql`(select ${condition} from (select ${selected} from ${rows.table} where ${where}) g)`;
  }
}

function binary(operator: string): Sql {
  const found = OPERATORS[operator];
  if (!found) throw new Unsupported(`the operator ${operator}`);
  return found;
}
