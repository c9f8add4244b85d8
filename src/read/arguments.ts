import { BREAK, type FieldNode, type GraphQLField, getArgumentValues, Kind, visit } from 'graphql';
import { GatewayError } from '../context/errors.ts';
import { relationOf } from '../resolvers/catalog.ts';
import {
  comparisonsIn,
  type ListArguments,
  type ListRequest,
  readListRequest,
} from '../resolvers/list-request.ts';
import { readingOrder } from '../resolvers/page.ts';
import { type ReadValue, signatureOf } from '../resolvers/page-cursor.ts';
import { valueProblem } from '../resolvers/value-problem.ts';
import { type OperandOf, operandValue } from '../sql/filter.ts';
import {
  parameter,
  type Sql,
  sql,
  Unsupported,
  type ValueSource,
  type Variables,
} from '../sql/fragment.ts';
import { driverValue } from '../sql/types.ts';

type AnyField = GraphQLField<unknown, unknown>;

/** The name that cursors of a list bear, and the model of its rows. */
export interface ListNames {
  list: string;
  model: string;
}

/** Returns the names of the list that a relation leads to. */
export function relatedListNames(model: string, relation: string): ListNames {
  return { list: `${model}.${relation}`, model: relationOf(model, relation).to };
}

/** The arguments of a list field, and the values in them. */
export class ListParameters implements ValueSource {
  /** Throws BAD_USER_INPUT with the wrong argument. */
  readonly read: (variables: Variables) => ListRequest;

  constructor(field: AnyField, node: FieldNode, names: ListNames, readValue: ReadValue) {
    const { list, model } = names;
    this.read = readOnce(node, (variables) => {
      const args = getArgumentValues(field, node, variables);
      return readListRequest(list, model, args as ListArguments, readValue);
    });
  }

  /** The values of the cursor, the operands of filters, and what new cursors begin with if these decide it. */
  values(variables: Variables): unknown[] {
    const request = this.read(variables);
    const order = readingOrder(request.page);
    const cursor = request.page.cursor ?? [];
    return [
      ...cursor.map((value, n) => driverValue((order[n] as (typeof order)[0]).column, value)),
      ...comparisonsIn(request).map(operandValue),
      ...(isSignatureKnown(request) ? [] : [signatureIn(request)]),
    ];
  }

  /**
   * Returns the parameters of a plan for what was read. Throws Unsupported for operands that a plan
   * cannot have.
   */
  parametersOf(request: ListRequest): ListValues {
    const comparisons = comparisonsIn(request);
    if (comparisons.some(({ column }) => column.type === 'Json')) {
      throw new Unsupported('filters on JSON');
    }
    const behindCursor = request.page.cursor?.length ?? 0;
    const indexes = new Map(comparisons.map((each, n) => [each, behindCursor + n]));
    const signatureAt = behindCursor + comparisons.length;
    return {
      valueAt: (n, type) => parameter(this, n, type),
      operandOf: (comparison, type) => parameter(this, indexes.get(comparison) as number, type),
      signature: isSignatureKnown(request)
        ? signatureIn(request)
        : parameter(this, signatureAt, sql`text`),
    };
  }
}

/** Whether cursors of a list begin with the same text for all operands of its filters. */
function isSignatureKnown({ page }: ListRequest): boolean {
  return page.orderings.every(({ via }) => via?.kind !== 'many' || !via.filter);
}

/** What cursors of a list begin with, as JSON. */
function signatureIn({ page }: ListRequest): string {
  return JSON.stringify(signatureOf(page.list, page.orderings));
}

/** The values of a list in a statement. */
export interface ListValues {
  /** The value of the cursor for the n-th term of the order. */
  valueAt: (n: number, type: Sql) => Sql;
  operandOf: OperandOf;
  /** What cursors begin with: a known text, unless it depends on the operands of filters. */
  signature: Sql | string;
}

/** The id of a field that looks one row up. */
export class IdParameter implements ValueSource {
  readonly #read: (variables: Variables) => unknown;

  constructor(field: AnyField, node: FieldNode) {
    this.#read = readOnce(node, (variables) => getArgumentValues(field, node, variables).id);
  }

  /** Throws BAD_USER_INPUT for an id that no row can have. */
  values(variables: Variables): unknown[] {
    const id = this.#read(variables);
    const problem = valueProblem(id);
    if (problem) throw new GatewayError('BAD_USER_INPUT', problem, { argument: 'id' });
    return [String(id)];
  }
}

/** Arguments without variables are the same in every request. */
function readOnce<T>(
  node: FieldNode,
  read: (variables: Variables) => T,
): (variables: Variables) => T {
  if (hasVariables(node)) return read;
  let known: { value: T } | undefined;
  return (variables) => {
    known ??= { value: read(variables) };
    return known.value;
  };
}

function hasVariables({ arguments: given = [] }: FieldNode): boolean {
  let found = false;
  for (const argument of given) {
    visit(argument, {
      enter({ kind }) {
        if (kind !== Kind.VARIABLE) return undefined;
        found = true;
        return BREAK;
      },
    });
  }
  return found;
}
