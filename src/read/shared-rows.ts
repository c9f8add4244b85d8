import type { FieldNode, GraphQLObjectType, SelectionSetNode } from 'graphql';
import { relationOf } from '../resolvers/catalog.ts';
import { isByRelated, type Ordering } from '../resolvers/ordering.ts';
import { readingOrder } from '../resolvers/page.ts';
import type { ReadValue } from '../resolvers/page-cursor.ts';
import { join, type Sql, sql, Unsupported } from '../sql/fragment.ts';
import { orderSql } from '../sql/order.ts';
import { joinSql } from '../sql/relation.ts';
import type { Scope, Scopes } from '../sql/scope.ts';
import { ListParameters, relatedListNames } from './arguments.ts';
import { readableIn } from './readable.ts';
import { type Reading, selectedFields } from './selection.ts';

/** From how many lists of a relation on it takes less time to read and keep the relation's rows once. */
const LEAST_LISTS = 4;

/** Orders by columns have no operands. */
const operandOf = () => {
  throw new Unsupported('shared rows in an order by related ones');
};

interface Compiling {
  readonly scopes: Scopes;
  readonly reading: Reading;
  readonly readValue: ReadValue;
}

/** Lists of one relation that begin at its first row and have one order. */
interface Lists {
  relation: string;
  order: readonly Ordering[];
  nodes: FieldNode[];
}

/**
 * Rows of a relation that several lists of one row show, such as aliases with a filter each: they are
 * read once, in the order of the lists, and only as far as a list needs.
 */
export class SharedRows {
  readonly #compiling: Compiling;
  readonly #parent: Scope;
  readonly #shared: { lists: Lists; rows: Scope }[];

  constructor(
    compiling: Compiling,
    parent: Scope,
    type: GraphQLObjectType,
    sets: readonly SelectionSetNode[],
  ) {
    this.#compiling = compiling;
    this.#parent = parent;
    this.#shared = [...this.#listsOf(type, sets).values()]
      .filter(({ nodes }) => nodes.length >= LEAST_LISTS)
      .map((lists) => {
        const { to } = relationOf(parent.model, lists.relation);
        return { lists, rows: compiling.scopes.selected(to) };
      });
  }

  /** Returns the rows that a list reads instead of the table; undefined if it reads the table. */
  of(node: FieldNode): Scope | undefined {
    return this.#shared.find(({ lists }) => lists.nodes.includes(node))?.rows;
  }

  /** Returns the text of the row, with what its lists read in front. To be called when they are composed. */
  around(row: Sql): Sql {
    if (this.#shared.length === 0) return row;
    const queries = this.#shared.map(({ lists: { relation, order }, rows }) => {
      const table = this.#compiling.scopes.over(rows.model);
      const isOfParent = joinSql(this.#parent, relation, table);
      const ordered = orderSql(table, order, { scopes: this.#compiling.scopes, operandOf });
      return sql`${rows.alias} as materialized (select ${table.selectFor(rows)} from ${table.table} where ${isOfParent} order by ${ordered})`;
    });
    return sql`(with ${join(queries, ', ')} select ${row})`;
  }

  #listsOf(type: GraphQLObjectType, sets: readonly SelectionSetNode[]): Map<string, Lists> {
    const { reading, readValue } = this.#compiling;
    const found = new Map<string, Lists>();
    for (const [node] of selectedFields(reading, type, sets).values()) {
      const field = node && type.getFields()[node.name.value];
      if (!field) continue;
      const what = readableIn(field.extensions);
      if (what?.kind !== 'relatedList') continue;
      const { relation } = what;
      const names = relatedListNames(this.#parent.model, relation);
      const { page } = new ListParameters(field, node, names, readValue).read(reading.variables);
      if (page.cursor || isByRelated(page.orderings)) continue;
      const order = readingOrder(page);
      const key = JSON.stringify([relation, order]);
      const lists = found.get(key) ?? { relation, order, nodes: [] };
      lists.nodes.push(node);
      found.set(key, lists);
    }
    return found;
  }
}
