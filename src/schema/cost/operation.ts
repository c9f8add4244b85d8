import {
  type DocumentNode,
  type ExecutionArgs,
  type FieldNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getArgumentValues,
  getNamedType,
  getNullableType,
  getOperationAST,
  getVariableValues,
  isAbstractType,
  isInterfaceType,
  isListType,
  isObjectType,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { type Arguments, type Price, priceIn } from './price.ts';
import { Selections } from './selections.ts';
import { ASSUMED_ROWS, weights } from './weights.ts';

type Operation = Pick<ExecutionArgs, 'schema' | 'document' | 'operationName' | 'variableValues'>;

/** Returns what an operation costs, in points; null for one that cannot be executed as it is. */
export function costOf(operation: Operation): number | null {
  const { schema, document, operationName, variableValues } = operation;
  const definition = getOperationAST(document, operationName);
  if (!definition) return null;
  const { variableDefinitions = [] } = definition;
  const { coerced } = getVariableValues(schema, variableDefinitions, variableValues ?? {});
  return coerced ? costWith(schema, document, definition, coerced) : null;
}

/** The same, with the values of variables as the schema takes them. */
export function costWith(
  schema: GraphQLSchema,
  document: DocumentNode,
  { operation, selectionSet }: OperationDefinitionNode,
  variables: Arguments,
): number {
  const root = schema.getRootType(operation);
  if (!root) return 0;
  const { once, each } = new Pricing(schema, document, variables).selection([selectionSet], root);
  return Math.min(Math.ceil(weights.operation + once + each), Number.MAX_SAFE_INTEGER);
}

/** The price of a selection: once, and for each row that has it. */
interface Sum {
  once: number;
  each: number;
}

type Prices = Readonly<Record<string, Price>>;

/** Fields that are looked at. Fragments that spread each other can make far more of them than there are. */
const MAX_FIELDS = 10_000;
const UNAFFORDABLE: Sum = { once: Number.MAX_SAFE_INTEGER, each: 0 };

class Pricing {
  readonly #variables: Arguments;
  readonly #selections: Selections;
  readonly #known = new Map<string, Sum>();
  readonly #numbers = new Map<SelectionSetNode, number>();
  #fields = 0;

  constructor(schema: GraphQLSchema, document: DocumentNode, variables: Arguments) {
    this.#variables = variables;
    this.#selections = new Selections(schema, document, variables);
  }

  /** `below` has the prices that the parent field defines. */
  selection(sets: readonly SelectionSetNode[], type: GraphQLNamedType, below: Prices = {}): Sum {
    const key = `${type.name} ${sets.map((set) => this.#numberOf(set)).join()}`;
    let sum = this.#known.get(key);
    if (!sum) {
      sum = this.#mostExpensive(sets, type, below);
      this.#known.set(key, sum);
    }
    return sum;
  }

  #numberOf(set: SelectionSetNode): number {
    const number = this.#numbers.get(set) ?? this.#numbers.size;
    this.#numbers.set(set, number);
    return number;
  }

  /** Rows of an abstract type are taken to be of the type that costs most. */
  #mostExpensive(sets: readonly SelectionSetNode[], type: GraphQLNamedType, below: Prices): Sum {
    const named = isAbstractType(type) ? this.#selections.typesNamed(sets) : [];
    const sums = [type, ...named].map((each) => this.#total(sets, each, below));
    return {
      once: Math.max(...sums.map(({ once }) => once)),
      each: Math.max(...sums.map(({ each }) => each)),
    };
  }

  #total(sets: readonly SelectionSetNode[], type: GraphQLNamedType, below: Prices): Sum {
    const sum = { once: 0, each: 0 };
    for (const nodes of this.#selections.fieldsOf(sets, type).values()) {
      this.#fields += 1;
      if (this.#fields > MAX_FIELDS) return UNAFFORDABLE;
      const { once, each } = this.#field(type, nodes as [FieldNode], below);
      sum.once += once;
      sum.each += each;
    }
    return sum;
  }

  #field(
    parent: GraphQLNamedType,
    nodes: readonly [FieldNode, ...FieldNode[]],
    above: Prices,
  ): Sum {
    const name = nodes[0].name.value;
    const field = fieldOf(parent, name);
    if (!field) return { once: 0, each: weights.value };
    const type = getNamedType(field.type);
    const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    const price = above[name] ?? this.#priceOf(field, nodes[0], sets, type);
    const { once = 0, rows = isListType(getNullableType(field.type)) ? ASSUMED_ROWS : 1 } = price;
    if (sets.length === 0) {
      return { once, each: price.each ?? (type.name === 'JSON' ? weights.json : weights.value) };
    }
    const inner = this.selection(sets, type, price.below);
    return { once: once + inner.once, each: (price.each ?? 0) + rows * inner.each };
  }

  #priceOf(
    field: GraphQLField<unknown, unknown>,
    node: FieldNode,
    sets: readonly SelectionSetNode[],
    type: GraphQLNamedType,
  ): Price {
    const price = priceIn(field.extensions);
    if (typeof price !== 'function') return price ?? {};
    const selected = [...this.#selections.fieldsOf(sets, type).values()].flat();
    return price(
      argumentsOf(field, node, this.#variables),
      new Set(selected.map(({ name }) => name.value)),
    );
  }
}

/** A field of a type, without those that every type has, which read nothing. */
function fieldOf(parent: GraphQLNamedType, name: string) {
  return isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name] : undefined;
}

/** The values of a field's arguments; none if the execution will refuse them. */
function argumentsOf(
  field: GraphQLField<unknown, unknown>,
  node: FieldNode,
  variables: Arguments,
): Arguments {
  try {
    return getArgumentValues(field, node, variables);
  } catch {
    return {};
  }
}
