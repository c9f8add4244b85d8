import { columnOf } from '../resolvers/catalog.ts';
import type { ListRequest } from '../resolvers/list-request.ts';
import { readingOrder } from '../resolvers/page.ts';
import { signatureOf } from '../resolvers/page-cursor.ts';
import { filterSql, type OperandOf, operandValue } from './filter.ts';
import { empty, identifier, join, numberLiteral, prepare, type Sql, sql } from './fragment.ts';
import { beyondSql, cursorSql, orderSql } from './order.ts';
import { relationKey } from './relation.ts';
import { type Scope, Scopes } from './scope.ts';
import { driverValue, sqlType } from './types.ts';
import { Values } from './values.ts';

/** The rows whose lists are read: a relation of their model, and of each row the columns that it takes. */
export interface ListParents {
  model: string;
  relation: string;
  /** For each column of the relation, the values of all rows. */
  values: readonly (readonly unknown[])[];
}

/** A statement and its values. */
interface Statement {
  text: string;
  values: unknown[];
}

/**
 * Returns the statement for the places of a page: the number of the parent from 1 as `parent`, and the
 * `id` and the `cursor` of each row in the order in which the page is read, one row more than it has.
 */
export function pageStatement(request: ListRequest, parents: ListParents | null): Statement {
  return new ListText(request, parents).page();
}

/** Returns the statement for the number of rows of a list, as `count`, of each `parent`. */
export function countStatement(request: ListRequest, parents: ListParents | null): Statement {
  return new ListText(request, parents).count();
}

class ListText {
  readonly #request: ListRequest;
  readonly #parents: ListParents | null;
  readonly #values = new Values();
  readonly #scopes = new Scopes();
  readonly #rows: Scope;
  readonly #operandOf: OperandOf = (comparison, type, part) =>
    this.#values.add(part ? [...comparison.path] : operandValue(comparison), type);

  constructor(request: ListRequest, parents: ListParents | null) {
    this.#request = request;
    this.#parents = parents;
    this.#rows = this.#scopes.over(request.page.model);
  }

  page(): Statement {
    const { page } = this.#request;
    const order = readingOrder(page);
    const options = { scopes: this.#scopes, operandOf: this.#operandOf };
    const conditions = this.#conditions();
    if (page.cursor) {
      const { cursor } = page;
      conditions.push(
        beyondSql(this.#rows, order, options, (n, type) =>
          this.#values.add(driverValue((order[n] as (typeof order)[0]).column, cursor[n]), type),
        ),
      );
    }
    const ordered = orderSql(this.#rows, order, options);
    const signature = this.#values.add(
      JSON.stringify(signatureOf(page.list, page.orderings)),
      sql`text`,
    );
    const columns = [
      sql`${this.#rows.column('id')}::text as id`,
      sql`${cursorSql(this.#rows, signature, page.orderings, options)} as cursor`,
      sql`row_number() over (order by ${ordered}) as place`,
    ];
    const limit = numberLiteral(page.size + 1);
    const places = sql`select ${join(columns, ', ')} from ${this.#rows.table}${where(conditions)} order by ${ordered} limit ${limit}`;
    return this.#ofParents(sql`id, cursor`, places, sql`place`);
  }

  count(): Statement {
    const conditions = where(this.#conditions());
    const counted = sql`select count(*)::int as count from ${this.#rows.table}${conditions}`;
    return this.#ofParents(sql`count`, counted, sql`count`);
  }

  /** The rows of a query that is about a parent, for all of them. */
  #ofParents(columns: Sql, query: Sql, order: Sql): Statement {
    const parents = this.#parents;
    const statement = parents
      ? sql`select p.parent::int as parent, ${columns} from ${this.#listed(parents)}, lateral (${query}) q order by parent, ${order}`
      : sql`select 1 as parent, ${columns} from (${query}) q order by ${order}`;
    const { text, bind } = prepare(statement);
    return { text, values: bind({}) };
  }

  /** The parents, with their values as v0. */
  #listed({ model, relation, values }: ListParents): Sql {
    const { own } = relationKey(model, relation);
    const lists = own.map((name, n) =>
      this.#values.add(values[n], sql`${sqlType(columnOf(model, name))}[]`),
    );
    const names = own.map((_, n) => valueName(n));
    return sql`unnest(${join(lists, ', ')}) with ordinality p(${join([...names, sql`parent`], ', ')})`;
  }

  #conditions(): Sql[] {
    const conditions: Sql[] = [];
    if (this.#parents) {
      const { other } = relationKey(this.#parents.model, this.#parents.relation);
      conditions.push(
        ...other.map((column, n) => sql`${this.#rows.column(column)} = p.${valueName(n)}`),
      );
    }
    const { filter } = this.#request;
    if (filter) conditions.push(filterSql(this.#scopes, this.#rows, filter, this.#operandOf));
    return conditions;
  }
}

function valueName(n: number): Sql {
  return identifier(`v${n}`);
}

function where(conditions: readonly Sql[]): Sql {
  return conditions.length > 0 ? sql` where ${join(conditions, ' and ')}` : empty;
}
