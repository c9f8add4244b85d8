import { BREAK, type FieldNode, type GraphQLField, getArgumentValues, Kind, visit } from 'graphql';
import { GatewayError } from '../context/errors.ts';
import { columnOf, relationOf } from '../resolvers/catalog.ts';
import { type Condition, type Input, readFilter } from '../resolvers/conditions.ts';
import {
  type PageArguments,
  type PageRequest,
  readingOrder,
  readPageRequest,
} from '../resolvers/page.ts';
import type { ReadValue } from '../resolvers/page-cursor.ts';
import { valueProblem } from '../resolvers/value-problem.ts';
import { comparisonsOf, operandValue } from '../sql/filter.ts';
import type { ValueSource, Variables } from '../sql/fragment.ts';
import { driverValue } from '../sql/types.ts';

type AnyField = GraphQLField<unknown, unknown>;

/** What a list field is asked for. */
export interface ListRequest {
  page: PageRequest;
  filter: Condition | null;
}

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
      return {
        page: readPageRequest(list, model, args as PageArguments, readValue),
        filter: readFilter(model, args.filter as Input | null | undefined),
      };
    });
  }

  /** The values of the cursor, then the operands of the filter. */
  values(variables: Variables): unknown[] {
    const { page, filter } = this.read(variables);
    const order = readingOrder(page);
    const cursor = page.cursor?.map((value, n) =>
      driverValue(columnOf(page.model, (order[n] as (typeof order)[0]).column), value),
    );
    return [...(cursor ?? []), ...(filter ? comparisonsOf(filter).map(operandValue) : [])];
  }
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
