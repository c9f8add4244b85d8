import {
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  getArgumentValues,
  getNamedType,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionSetNode,
} from 'graphql';
import { Compiler } from '../read/compiler.ts';
import { createPlanCache, type PlanOf } from '../read/plan-cache.ts';
import { MAX_STATEMENT_CHARACTERS, orExecuted } from '../read/reader.ts';
import {
  type AnyField,
  objectType,
  type Reading,
  selectedFields,
  setsOf,
} from '../read/selection.ts';
import { columnOf } from '../resolvers/catalog.ts';
import type { ReadValue } from '../resolvers/page-cursor.ts';
import type { Row } from '../resolvers/rows.ts';
import {
  type PreparedText,
  parameter,
  prepare,
  type Sql,
  sql,
  Unsupported,
  type ValueSource,
  type Variables,
} from '../sql/fragment.ts';
import { sqlType } from '../sql/types.ts';
import { type Writable, writableIn } from './writable.ts';

/** How a mutation of one field is done by statements that are known beforehand. */
export interface WritePlan {
  writable: Writable;
  /** The name of the field in the answer. */
  name: string;
  nodes: readonly FieldNode[];
  /** The arguments of the field. Throws GraphQLError for wrong ones. */
  argumentsOf(variables: Variables): Row;
  /** The JSON text of the answer for the ids that are written. */
  answer: PreparedText;
}

/** The name of the ids among the variables, which no variable of a document has. */
const IDS = '$ids';

/** Returns the variables with the ids of the rows that are written. */
export function withIds(variables: Variables, ids: readonly string[]): Variables {
  return { ...variables, [IDS]: ids };
}

const writtenIds: ValueSource = { values: (variables) => [variables[IDS]] };

/** Returns what plans mutations. There is no plan for those of several fields. */
export function createWritePlans(schema: GraphQLSchema, readValue: ReadValue): PlanOf<WritePlan> {
  return createPlanCache<WritePlan>({
    schema,
    type: OperationTypeNode.MUTATION,
    make: (reading, definition) =>
      orExecuted(() => planMutation(reading, readValue, definition)) ?? null,
    sizeOf: ({ answer }) => answer.text.length,
  });
}

function planMutation(
  reading: Reading,
  readValue: ReadValue,
  { selectionSet }: OperationDefinitionNode,
): WritePlan {
  const mutation = reading.schema.getMutationType() as GraphQLObjectType;
  const fields = [...selectedFields(reading, mutation, [selectionSet])];
  const [[name, nodes] = ['', []]] = fields;
  const [node] = nodes;
  const field = node && mutation.getFields()[node.name.value];
  const what = field && writableIn(field.extensions);
  if (!node || !field || !what || fields.length > 1) throw new Unsupported('the mutation');
  const text = new PayloadText(reading, readValue, what).of(field, nodes);
  const answer = prepare(text);
  if (answer.text.length > MAX_STATEMENT_CHARACTERS) throw new Unsupported('so long an answer');
  const argumentsOf = (variables: Variables): Row => getArgumentValues(field, node, variables);
  return { writable: what, name, nodes, argumentsOf, answer };
}

/** Composes the JSON text of a payload without errors. */
class PayloadText {
  readonly #compiler: Compiler;
  readonly #writable: Writable;

  constructor(reading: Reading, readValue: ReadValue, what: Writable) {
    this.#compiler = new Compiler(reading, readValue);
    this.#writable = what;
  }

  of(field: AnyField, nodes: readonly FieldNode[]): Sql {
    const type = objectType(field.type);
    const idType = sqlType(columnOf(this.#writable.model, 'id'));
    const ids = parameter(writtenIds, 0, sql`${idType}[]`);
    if (this.#writable.kind !== 'createMany')
      return this.#payload(type, setsOf(nodes), sql`(${ids})[1]`);
    return this.#compiler
      .object(type, setsOf(nodes), (member, memberNodes, json) => {
        if (member.name === 'affected') json.expression(sql`cardinality(${ids})::text`);
        else if (member.name === 'results') {
          const payload = this.#payload(
            objectType(member.type),
            setsOf(memberNodes),
            sql`written.id`,
          );
          json.expression(
            sql`(select '['||string_agg(${payload}, ',' order by written.place)||']' from unnest(${ids}) with ordinality as written(id, place))`,
          );
        } else throw new Unsupported(`${type.name}.${member.name}`);
      })
      .toSql();
  }

  #payload(type: GraphQLObjectType, sets: readonly SelectionSetNode[], id: Sql): Sql {
    const { model } = this.#writable;
    return this.#compiler
      .object(type, sets, (member, nodes, json) => {
        if (member.name === 'errors') json.known('[]');
        else if (member.name === 'id') json.expression(sql`to_json(${id})::text`);
        else if (getNamedType(member.type).name === model) {
          const scope = this.#compiler.scopes.over(model);
          const row = this.#compiler.row(scope, objectType(member.type), setsOf(nodes));
          json.expression(
            sql`coalesce((select ${row} from ${scope.table} where ${scope.column('id')} = ${id}), 'null')`,
          );
        } else throw new Unsupported(`${type.name}.${member.name}`);
      })
      .toSql();
  }
}
