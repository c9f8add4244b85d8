import {
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNamedType,
  type SelectionSetNode,
} from 'graphql';
import { catalog } from '../generated/catalog.ts';
import type { Link } from '../models/descriptor.ts';
import { columnOf, relationOf } from '../resolvers/catalog.ts';
import type { ReadValue } from '../resolvers/page-cursor.ts';
import { parameter, type Sql, sql, textLiteral, Unsupported } from '../sql/fragment.ts';
import { addColumn, JsonText } from '../sql/json.ts';
import { base64 } from '../sql/order.ts';
import { joinSql } from '../sql/relation.ts';
import { type Scope, Scopes } from '../sql/scope.ts';
import { sqlType } from '../sql/types.ts';
import { IdParameter, type ListNames, ListParameters, relatedListNames } from './arguments.ts';
import { ConnectionText, type Parent, type WriteField } from './connection-text.ts';
import { GroupsText, type LinkWriter } from './groups-text.ts';
import { readableIn } from './readable.ts';
import { type AnyField, objectType, type Reading, selectedFields, setsOf } from './selection.ts';
import { SharedRows } from './shared-rows.ts';

/**
 * Composes the JSON text of fields as SQL. Throws Unsupported for what a statement cannot read, and
 * BAD_USER_INPUT for arguments that the field would refuse.
 */
export class Compiler implements LinkWriter {
  readonly scopes = new Scopes();
  readonly reading: Reading;
  readonly readValue: ReadValue;

  constructor(reading: Reading, readValue: ReadValue) {
    this.reading = reading;
    this.readValue = readValue;
  }

  /** Returns the text of a field of Query, null if there is no row, and the model of its rows. */
  root(field: AnyField, nodes: readonly FieldNode[]): { text: Sql; model: string } {
    const what = readableIn(field.extensions);
    if (what?.kind === 'list') {
      const model = nodeModel(field.type);
      return { text: this.#connection(field, nodes, { list: field.name, model }, null), model };
    }
    if (what?.kind === 'aggregate') {
      const { model } = what;
      return { text: new GroupsText(this, { field, nodes, model, parent: null }).text(), model };
    }
    if (what?.kind !== 'row') throw new Unsupported(`Query.${field.name}`);
    const type = objectType(field.type);
    const scope = this.scopes.over(type.name);
    const id = parameter(
      new IdParameter(field, nodes[0] as FieldNode),
      0,
      sqlType(columnOf(type.name, 'id')),
    );
    const row = this.row(scope, type, setsOf(nodes));
    const text = sql`(select ${row} from ${scope.table} where ${scope.column('id')} = ${id})`;
    return { text, model: type.name };
  }

  /** Returns the text of an object, whose fields `write` adds. */
  object(type: GraphQLObjectType, sets: readonly SelectionSetNode[], write: WriteField): JsonText {
    const json = new JsonText().known('{');
    let separator = '';
    for (const [name, nodes] of selectedFields(this.reading, type, sets)) {
      json.known(`${separator}${JSON.stringify(name)}:`);
      separator = ',';
      const asked = (nodes[0] as FieldNode).name.value;
      const field = type.getFields()[asked];
      if (asked === '__typename') json.known(JSON.stringify(type.name));
      else if (field) write(field, nodes, json);
      else throw new Unsupported(`${type.name}.${asked}`);
    }
    return json.known('}');
  }

  /** Returns the text of a row of a scope. */
  row(scope: Scope, type: GraphQLObjectType, sets: readonly SelectionSetNode[]): Sql {
    const shared = new SharedRows(this, scope, type, sets);
    const write: WriteField = (field, nodes, json) => {
      const what = readableIn(field.extensions);
      switch (what?.kind) {
        case 'column':
          return addColumn(json, columnOf(scope.model, what.column), scope.column(what.column));
        case 'nodeId':
          return json
            .known('"')
            .expression(base64(sql`${textLiteral(`${scope.model}:`)}||${scope.column('id')}`))
            .known('"');
        case 'relatedRow':
          return json.expression(this.#relatedRow(scope, what.relation, field, nodes));
        case 'relatedList': {
          const { relation } = what;
          const parent = { scope, relation, rows: shared.of(nodes[0] as FieldNode) };
          const names = relatedListNames(scope.model, relation);
          return json.expression(this.#connection(field, nodes, names, parent));
        }
        case 'aggregate': {
          const { model, relation } = what;
          const parent = relation === null ? null : { scope, relation };
          return json.expression(new GroupsText(this, { field, nodes, model, parent }).text());
        }
        case 'link':
          return json.expression(this.#link(scope, what.link, field, nodes));
        default:
          throw new Unsupported(`${type.name}.${field.name}`);
      }
    };
    return shared.around(this.object(type, sets, write).toSql());
  }

  #relatedRow(scope: Scope, relation: string, field: AnyField, nodes: readonly FieldNode[]): Sql {
    const target = this.scopes.over(relationOf(scope.model, relation).to);
    const row = this.row(target, objectType(field.type), setsOf(nodes));
    const joined = joinSql(scope, relation, target);
    return sql`coalesce((select ${row} from ${target.table} where ${joined}), 'null')`;
  }

  /** Returns the text of the row that a value refers to. */
  linkedRow(
    { to, by = 'id' }: Link,
    value: Sql,
    field: AnyField,
    nodes: readonly FieldNode[],
  ): Sql {
    const target = this.scopes.over(to);
    const row = this.row(target, objectType(field.type), setsOf(nodes));
    const isIt = sql`${target.column(by)} = ${value}`;
    return sql`coalesce((select ${row} from ${target.table} where ${isIt}), 'null')`;
  }

  #link(scope: Scope, link: Link, field: AnyField, nodes: readonly FieldNode[]): Sql {
    const { column, to, by = 'id' } = link;
    const own = columnOf(scope.model, column);
    if (!own.isList) return this.linkedRow(link, scope.column(column), field, nodes);
    const target = this.scopes.over(to);
    const row = this.row(target, objectType(field.type), setsOf(nodes));
    const listed = sql`unnest(${scope.column(column)}) with ordinality as listed(value, place)`;
    const isIt = sql`${target.column(by)} = listed.value`;
    // The limit, of what is one row at most, has Postgres look up each value by an index. A join reads
    // all rows of the workspace for each list.
    const linked = sql`lateral (select ${row} as text from ${target.table} where ${isIt} limit 1) as linked`;
    const rows = sql`string_agg(linked.text, ',' order by listed.place)`;
    return sql`(select '['||coalesce(${rows}, '')||']' from ${listed}, ${linked})`;
  }

  #connection(
    field: AnyField,
    nodes: readonly FieldNode[],
    names: ListNames,
    parent: Parent | null,
  ): Sql {
    const args = new ListParameters(field, nodes[0] as FieldNode, names, this.readValue);
    const type = objectType(field.type);
    return new ConnectionText(this, names.model, args, parent).of(type, setsOf(nodes));
  }
}

/** The model of the rows of a connection. */
function nodeModel(type: GraphQLOutputType): string {
  const nodes = objectType(type).getFields().nodes;
  const model = nodes && getNamedType(nodes.type).name;
  if (!model || !(model in catalog.models)) throw new Unsupported(`lists of ${model}`);
  return model;
}
