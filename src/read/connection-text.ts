import type { FieldNode, GraphQLObjectType, SelectionSetNode } from 'graphql';
import { hasPart } from '../resolvers/conditions.ts';
import type { ListRequest } from '../resolvers/list-request.ts';
import { readingOrder } from '../resolvers/page.ts';
import { filterSql } from '../sql/filter.ts';
import { empty, join, numberLiteral, type Sql, sql, Unsupported } from '../sql/fragment.ts';
import type { JsonText } from '../sql/json.ts';
import { beyondSql, cursorSql, type OrderOptions, orderSql } from '../sql/order.ts';
import { joinSql } from '../sql/relation.ts';
import type { Scope, Scopes } from '../sql/scope.ts';
import type { ListParameters, ListValues } from './arguments.ts';
import { type AnyField, objectType, type Reading, selectedFields, setsOf } from './selection.ts';

/** Writes one field of an object, whose name is written already. */
export type WriteField = (field: AnyField, nodes: readonly FieldNode[], json: JsonText) => void;

/** Composes the text of objects and rows. */
export interface RowWriter {
  readonly scopes: Scopes;
  readonly reading: Reading;
  object(type: GraphQLObjectType, sets: readonly SelectionSetNode[], write: WriteField): JsonText;
  row(scope: Scope, type: GraphQLObjectType, sets: readonly SelectionSetNode[]): Sql;
}

/** The row and the relation that a list belongs to. */
export interface Parent {
  scope: Scope;
  relation: string;
  /** The rows of the relation, in the list's order, if they have been read for several lists. */
  rows?: Scope | undefined;
}

/** Composes the JSON text of a page: its rows are read once, for everything that is selected. */
export class ConnectionText {
  readonly #writer: RowWriter;
  readonly #model: string;
  readonly #values: ListValues;
  readonly #options: OrderOptions;
  readonly #request: ListRequest;
  readonly #parent: Parent | null;
  /** The rows that are read, in the order in which they are. */
  readonly #rows: Scope;
  #needsRows = false;
  #needsPlaces = false;
  /** Whether one row more than the page is read, to find out whether there are more. */
  #needsNext = false;

  constructor(writer: RowWriter, model: string, parameters: ListParameters, parent: Parent | null) {
    this.#writer = writer;
    this.#model = model;
    const { scopes, reading } = writer;
    this.#request = parameters.read(reading.variables);
    this.#values = parameters.parametersOf(this.#request);
    this.#options = { scopes, operandOf: this.#values.operandOf };
    this.#parent = parent;
    this.#rows = scopes.selected(model);
  }

  /** Returns the text of a connection. */
  of(type: GraphQLObjectType, sets: readonly SelectionSetNode[]): Sql {
    this.#needsNext = this.#asksForMore(type, sets);
    const text = this.#writer
      .object(type, sets, (field, nodes, json) => {
        const selected = setsOf(nodes);
        if (field.name === 'totalCount') json.expression(this.#count());
        else if (field.name === 'nodes') json.expression(this.#nodes(field, selected));
        else if (field.name === 'edges') json.expression(this.#edges(field, selected));
        else if (field.name === 'pageInfo') this.#pageInfo(field, selected, json);
        else throw new Unsupported(`${type.name}.${field.name}`);
      })
      .toSql();
    return this.#needsRows ? sql`(select ${text} from ${this.#page()})` : text;
  }

  #nodes(field: AnyField, sets: readonly SelectionSetNode[]): Sql {
    return this.#list(this.#writer.row(this.#rows, objectType(field.type), sets));
  }

  #edges(field: AnyField, sets: readonly SelectionSetNode[]): Sql {
    const edge = this.#writer.object(objectType(field.type), sets, (member, nodes, json) => {
      if (member.name === 'cursor') json.known('"').expression(this.#cursor()).known('"');
      else if (member.name === 'node') {
        json.expression(this.#writer.row(this.#rows, objectType(member.type), setsOf(nodes)));
      } else throw new Unsupported(`an edge's ${member.name}`);
    });
    return this.#list(edge.toSql());
  }

  #list(item: Sql): Sql {
    this.#needsRows = true;
    return sql`'['||coalesce(string_agg(${item}, ','${this.#order()})${this.#onPage()}, '')||']'`;
  }

  #pageInfo(field: AnyField, sets: readonly SelectionSetNode[], json: JsonText): void {
    const { cursor } = this.#request.page;
    const info = this.#writer.object(objectType(field.type), sets, ({ name }, _nodes, text) => {
      if (name === this.#ahead) text.expression(this.#hasMore());
      else if (name === 'hasNextPage' || name === 'hasPreviousPage') {
        text.known(String(cursor !== null));
      } else if (name === 'startCursor') text.expression(this.#cursorAt(sql`1`));
      else if (name === 'endCursor') {
        text.expression(this.#cursorAt(sql`(count(*)${this.#onPage()})::int`));
      } else throw new Unsupported(`${name} of a page`);
    });
    json.expression(info.toSql());
  }

  #hasMore(): Sql {
    this.#needsRows = true;
    return sql`(count(*) > ${numberLiteral(this.#request.page.size)})::text`;
  }

  #asksForMore(type: GraphQLObjectType, sets: readonly SelectionSetNode[]): boolean {
    const { reading } = this.#writer;
    return [...selectedFields(reading, type, sets).values()].some((nodes) => {
      if (nodes[0]?.name.value !== 'pageInfo') return false;
      const info = objectType((type.getFields().pageInfo as AnyField).type);
      const asked = [...selectedFields(reading, info, setsOf(nodes)).values()];
      return asked.some(([first]) => first?.name.value === this.#ahead);
    });
  }

  /** The field that says whether there are rows after those that were read. */
  get #ahead(): string {
    return this.#request.page.backward ? 'hasPreviousPage' : 'hasNextPage';
  }

  /** The cursor of a row by its number on the page. */
  #cursorAt(number: Sql): Sql {
    this.#needsRows = true;
    const all = sql`(array_agg(${this.#cursor()}${this.#order()})${this.#onPage()})`;
    return sql`coalesce('"'||${all}[${number}]||'"', 'null')`;
  }

  /**
   * The order of rows on the page, for an aggregate. All of a page have the same one: Postgres sorts
   * the rows as one aggregate requires, also for those without an order.
   */
  #order(): Sql {
    return this.#request.page.backward ? sql` order by ${this.#place()} desc` : empty;
  }

  #cursor(): Sql {
    const { orderings } = this.#request.page;
    return cursorSql(this.#rows, this.#values.signature, orderings, this.#options);
  }

  /** The number of a row on its page, as it was read. */
  #place(): Sql {
    this.#needsPlaces = true;
    return sql`${this.#rows.alias}.place`;
  }

  /** Leaves the row after the page out of an aggregate. */
  #onPage(): Sql {
    if (!this.#needsNext) return empty;
    return sql` filter (where ${this.#place()} <= ${numberLiteral(this.#request.page.size)})`;
  }

  #page(): Sql {
    const { page, filter } = this.#request;
    const source = this.#source();
    const order = readingOrder(page);
    const conditions = this.#conditions(source, filter);
    if (page.cursor) {
      conditions.push(beyondSql(source, order, this.#options, this.#values.valueAt));
    }
    const limit = numberLiteral(page.size + (this.#needsNext ? 1 : 0));
    // Rows that have been read are in this order, which a join for a filter may change.
    const isOrdered = this.#parent?.rows && !hasPart(filter, ['related', 'measured']);
    const ordered = isOrdered ? empty : sql` order by ${orderSql(source, order, this.#options)}`;
    const selected = source.selectFor(this.#rows);
    const rows = sql`select ${selected} from ${source.table}${where(conditions)}${ordered} limit ${limit}`;
    return this.#needsPlaces
      ? sql`(select *, row_number() over () as place from (${rows}) page) ${this.#rows.alias}`
      : sql`(${rows}) ${this.#rows.alias}`;
  }

  #count(): Sql {
    const source = this.#source();
    const conditions = this.#conditions(source, this.#request.filter);
    return sql`(select count(*)::text from ${source.table}${where(conditions)})`;
  }

  #source(): Scope {
    const { scopes } = this.#writer;
    return this.#parent?.rows ? scopes.within(this.#parent.rows) : scopes.over(this.#model);
  }

  #conditions(source: Scope, filter: ListRequest['filter']): Sql[] {
    const conditions: Sql[] = [];
    if (this.#parent && !this.#parent.rows) {
      conditions.push(joinSql(this.#parent.scope, this.#parent.relation, source));
    }
    if (filter) {
      const { scopes, operandOf } = this.#options;
      conditions.push(filterSql(scopes, source, filter, operandOf));
    }
    return conditions;
  }
}

function where(conditions: readonly Sql[]): Sql {
  return conditions.length > 0 ? sql` where ${join(conditions, ' and ')}` : empty;
}
