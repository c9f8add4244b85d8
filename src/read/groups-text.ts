import {
  BREAK,
  type FieldNode,
  getArgumentValues,
  Kind,
  type SelectionSetNode,
  visit,
} from 'graphql';
import { keyCell, measureCell } from '../aggregate/cells.ts';
import type { Aggregate } from '../aggregate/description.ts';
import {
  type AggregateArguments,
  RELATED_GROUPS,
  ROOT_GROUPS,
  readAggregate,
} from '../aggregate/read-aggregate.ts';
import { aggregateSql } from '../aggregate/statement.ts';
import type { Link } from '../models/descriptor.ts';
import type { Input } from '../resolvers/conditions.ts';
import type { Measure, Statistic } from '../resolvers/measure.ts';
import { statisticNamed } from '../resolvers/read-measures.ts';
import {
  identifier,
  numberLiteral,
  type Sql,
  sql,
  Unsupported,
  type Variables,
} from '../sql/fragment.ts';
import { Scopes } from '../sql/scope.ts';
import { Values } from '../sql/values.ts';
import type { Parent, RowWriter } from './connection-text.ts';
import { readableIn } from './readable.ts';
import { selectedMeasures } from './selected-measures.ts';
import { type AnyField, objectType, setsOf } from './selection.ts';

/** Composes the text of the row that a value refers to, too. */
export interface LinkWriter extends RowWriter {
  linkedRow(link: Link, value: Sql, field: AnyField, nodes: readonly FieldNode[]): Sql;
}

/** The field of an aggregate as it was asked for, and the rows that it is of. */
export interface AskedAggregate {
  field: AnyField;
  nodes: readonly FieldNode[];
  model: string;
  parent: Parent | null;
}

interface Composed {
  aggregate: Aggregate;
  query: Sql;
}

/** Composes the JSON text of an aggregate, whose groups are read by one query. */
export class GroupsText {
  readonly #writer: LinkWriter;
  readonly #asked: AskedAggregate;
  readonly #aggregate: Aggregate;
  readonly #query: Sql;
  /** The name of the query's rows. */
  readonly #rows: Sql;

  /** Throws BAD_USER_INPUT with the wrong argument. */
  constructor(writer: LinkWriter, asked: AskedAggregate) {
    this.#writer = writer;
    this.#asked = asked;
    this.#rows = writer.scopes.over(asked.model).alias;
    const { aggregate, query } = composed(writer, asked);
    this.#aggregate = aggregate;
    this.#query = query;
  }

  /** Returns the text, which fails where keys have too many values to be filled. */
  text(): Sql {
    const { field, nodes } = this.#asked;
    const type = objectType(field.type);
    const text = this.#writer.object(type, setsOf(nodes), (member, inner, json) => {
      if (member.name === 'groups') json.expression(this.#groups(member, inner));
      else if (member.name === 'totalGroups') {
        json.expression(sql`coalesce(max(${this.#rows}.total), 0)::text`);
      } else throw new Unsupported(`${type.name}.${member.name}`);
    });
    const isPossible = sql`coalesce(max(${this.#rows}.excess), 0) = 0`;
    return sql`(select case when ${isPossible} then ${text.toSql()} else chr(1) end from (${this.#query}) ${this.#rows})`;
  }

  #groups(field: AnyField, nodes: readonly FieldNode[]): Sql {
    const rows = this.#rows;
    const group = this.#group(field, setsOf(nodes), false);
    const all = sql`string_agg(${group}, ',' order by ${rows}.rolled, ${rows}.n) filter (where ${rows}.shown)`;
    return sql`'['||coalesce(${all}, '')||']'`;
  }

  #group(field: AnyField, sets: readonly SelectionSetNode[], isPrevious: boolean): Sql {
    const type = objectType(field.type);
    return this.#writer
      .object(type, sets, (member, nodes, json) => {
        const args = () =>
          getArgumentValues(member, nodes[0] as FieldNode, this.#writer.reading.variables);
        switch (member.name) {
          case 'key':
            return json.expression(this.#key(member, nodes, null));
          case 'keyCount':
            return json.expression(this.#keyCount());
          case 'isTotal':
            return json.expression(sql`(${this.#rows}.rolled > 0)::text`);
          case 'count': {
            const filter = (args().filter ?? null) as Input | null;
            return json.expression(this.#measure({ kind: 'count', filter }, isPrevious));
          }
          case 'distinct':
            return json.expression(
              this.#columns(member, nodes, ({ name: column }) =>
                this.#measure({ kind: 'distinct', column }, isPrevious),
              ),
            );
          case 'values':
            return json.expression(
              this.#columns(member, nodes, (inner, innerNodes) =>
                this.#statistics(inner, innerNodes, (statistic) =>
                  this.#measure({ kind: 'statistic', column: inner.name, statistic }, isPrevious),
                ),
              ),
            );
          case 'between': {
            const { from, to } = args() as { from: string; to: string };
            return json.expression(
              this.#statistics(member, nodes, (statistic) =>
                this.#measure({ kind: 'between', from, to, statistic }, isPrevious),
              ),
            );
          }
          case 'previous':
            return json.expression(this.#group(member, setsOf(nodes), true));
          default:
            throw new Unsupported(`${type.name}.${member.name}`);
        }
      })
      .toSql();
  }

  #columns(
    field: AnyField,
    nodes: readonly FieldNode[],
    textOf: (column: AnyField, nodes: readonly FieldNode[]) => Sql,
  ): Sql {
    return this.#writer
      .object(objectType(field.type), setsOf(nodes), (column, inner, json) => {
        json.expression(textOf(column, inner));
      })
      .toSql();
  }

  #statistics(
    field: AnyField,
    nodes: readonly FieldNode[],
    textOf: (statistic: Statistic) => Sql,
  ): Sql {
    return this.#columns(field, nodes, (member, inner) => {
      const { variables } = this.#writer.reading;
      const { at } = getArgumentValues(member, inner[0] as FieldNode, variables);
      return textOf(statisticNamed(member.name, at));
    });
  }

  #key(field: AnyField, nodes: readonly FieldNode[], relation: string | null): Sql {
    const type = objectType(field.type);
    const cellOf = (name: string, isPart: boolean) => {
      const n = keyCell(this.#aggregate, { relation, name, isPart });
      if (n < 0) throw new Unsupported(`${type.name}.${name}, which is no key`);
      return n;
    };
    return this.#writer
      .object(type, setsOf(nodes), (member, inner, json) => {
        const what = readableIn(member.extensions);
        if (what?.kind === 'column') json.expression(this.#cell(cellOf(what.column, false)));
        else if (what?.kind === 'keyOfRelation') {
          json.expression(this.#key(member, inner, what.relation));
        } else if (what?.kind === 'link') {
          const value = sql`${this.#rows}.${identifier(`k${cellOf(what.link.column, false)}`)}`;
          json.expression(this.#writer.linkedRow(what.link, value, member, inner));
        } else if (member.name === 'part') {
          const { variables } = this.#writer.reading;
          const { of } = getArgumentValues(member, inner[0] as FieldNode, variables);
          json.expression(this.#cell(cellOf(of as string, true)));
        } else throw new Unsupported(`${type.name}.${member.name}`);
      })
      .toSql();
  }

  #keyCount(): Sql {
    // A bit is set for each key that is rolled up.
    const all = numberLiteral(this.#aggregate.keys.length);
    return sql`(${all} - bit_count(${this.#rows}.rolled::bit(32)))::text`;
  }

  #measure(measure: Measure, isPrevious: boolean): Sql {
    return this.#cell(measureCell(this.#aggregate, measure, isPrevious));
  }

  #cell(n: number): Sql {
    return sql`${this.#rows}.${identifier(`c${n}`)}`;
  }
}

/** Values of an aggregate. For other variables it is composed again, and has to have the same text. */
class AggregateValues extends Values {
  readonly #compose: (variables: Variables, values: Values) => Composed;
  #text: string | undefined;

  constructor(compose: (variables: Variables, values: Values) => Composed) {
    super();
    this.#compose = compose;
  }

  composed(variables: Variables): Composed {
    const composed = this.#compose(variables, this);
    this.#text = textOf(composed.query);
    return composed;
  }

  /** Throws BAD_USER_INPUT with the wrong argument, and Unsupported if the text is another. */
  override values(variables?: Variables): readonly unknown[] {
    if (!variables) return super.values();
    const values = new Values();
    if (textOf(this.#compose(variables, values).query) !== this.#text) {
      throw new Unsupported('another statement for the same shape of variables');
    }
    return values.values();
  }
}

function textOf({ strings }: Sql): string {
  return strings.join('?');
}

function composed(writer: LinkWriter, { field, nodes, model, parent }: AskedAggregate): Composed {
  const prefix = writer.scopes.newPrefix();
  const compose = (variables: Variables, values: Values): Composed => {
    const reading = { ...writer.reading, variables };
    const args = getArgumentValues(field, nodes[0] as FieldNode, variables);
    const measures = selectedMeasures(reading, field.type, nodes);
    const bounds = parent ? RELATED_GROUPS : ROOT_GROUPS;
    const aggregate = readAggregate(model, args as AggregateArguments, measures, bounds);
    const query = aggregateSql(aggregate, {
      values,
      scopes: new Scopes(prefix),
      parents: null,
      within: parent && { parent: parent.scope, relation: parent.relation },
      form: 'text',
    });
    return { aggregate, query };
  };
  const { variables } = writer.reading;
  if (!mayDependOnVariables(nodes)) return compose(variables, new Values());
  return new AggregateValues(compose).composed(variables);
}

/** Whether variables are used in fields, or may be used in their fragments. */
function mayDependOnVariables(nodes: readonly FieldNode[]): boolean {
  let found = false;
  for (const node of nodes) {
    visit(node, {
      enter({ kind }) {
        if (kind !== Kind.VARIABLE && kind !== Kind.FRAGMENT_SPREAD) return undefined;
        found = true;
        return BREAK;
      },
    });
  }
  return found;
}
