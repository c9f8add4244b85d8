import {
  __Schema,
  __Type,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  GraphQLString,
  getNamedType,
  isObjectType,
  Kind,
  type SelectionSetNode,
  valueFromAST,
} from 'graphql';

/** The number of fields in the result of an introspection query. */
export interface Price {
  /** A lower bound once the count exceeds the given bound. */
  total: number;
  /** The price of the largest part that runs in one turn of the event loop. */
  largest: number;
}

type Variables = Readonly<Record<string, unknown>>;

/** Returns the fragments of a document by name. */
export function fragmentsOf(document: DocumentNode): Map<string, FragmentDefinitionNode> {
  return new Map(
    document.definitions.flatMap((definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION
        ? [[definition.name.value, definition] as const]
        : [],
    ),
  );
}

/** Returns the fields of a selection, those of its fragments included. */
export function fieldsOf(
  { selections }: SelectionSetNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): FieldNode[] {
  return selections.flatMap((selection) => {
    if (selection.kind === Kind.FIELD) return [selection];
    const set =
      selection.kind === Kind.INLINE_FRAGMENT
        ? selection.selectionSet
        : fragments.get(selection.name.value)?.selectionSet;
    return set ? fieldsOf(set, fragments) : [];
  });
}

/**
 * Returns the price of the fields `__schema` and `__type`. It walks the schema like an execution, but
 * visits each value only once per selection. It ignores `@skip` and `@include`, and stops when the
 * price exceeds `bound`.
 */
export function priceOf(
  schema: GraphQLSchema,
  roots: readonly FieldNode[],
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  variables: Variables,
  bound = Number.POSITIVE_INFINITY,
): Price {
  const counter = new Counter(schema, fragments, bound);
  let rest = 0;
  let total = 0;
  let largest = 0;
  for (const root of roots) {
    const set = root.selectionSet as SelectionSetNode;
    if (root.name.value === '__type') {
      rest += counter.count(counter.planOf(set, __Type), schema.getType(nameOf(root, variables)));
      continue;
    }
    const { leaves, branches } = counter.planOf(set, __Schema);
    rest += leaves + branches.length;
    for (const { name, plan, resolve } of branches) {
      const found = resolve(schema);
      if (name !== 'types') {
        rest += counter.count(plan, found);
        continue;
      }
      for (const type of found as unknown[]) {
        const count = counter.count(plan, type);
        largest = Math.max(largest, count);
        total += count;
      }
    }
  }
  return { total: total + rest, largest: Math.max(largest, rest) };
}

function nameOf(field: FieldNode, variables: Variables): string {
  const value = field.arguments?.[0]?.value;
  return String(value && valueFromAST(value, GraphQLString, { ...variables }));
}

/** A selection, prepared for counting. */
interface Plan {
  leaves: number;
  branches: { name: string; plan: Plan; resolve(source: unknown): unknown }[];
  /** Known counts by value. */
  counts: Map<unknown, number>;
}

class Counter {
  readonly #info: GraphQLResolveInfo;
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #plans = new Map<SelectionSetNode, Plan>();
  #left: number;

  constructor(
    schema: GraphQLSchema,
    fragments: ReadonlyMap<string, FragmentDefinitionNode>,
    bound: number,
  ) {
    // Introspection resolvers read nothing else.
    this.#info = { schema } as GraphQLResolveInfo;
    this.#fragments = fragments;
    this.#left = bound;
  }

  planOf(set: SelectionSetNode, type: GraphQLObjectType): Plan {
    const known = this.#plans.get(set);
    if (known) return known;
    const plan: Plan = { leaves: 0, branches: [], counts: new Map() };
    this.#plans.set(set, plan);
    for (const { name, selectionSet } of fieldsOf(set, this.#fragments)) {
      const field = type.getFields()[name.value];
      const inner = getNamedType(field?.type);
      if (!selectionSet || !isObjectType(inner)) {
        plan.leaves += 1;
        continue;
      }
      plan.branches.push({
        name: name.value,
        plan: this.planOf(selectionSet, inner),
        resolve: (source) =>
          field?.resolve?.(source, { includeDeprecated: true }, undefined, this.#info),
      });
    }
    return plan;
  }

  /** Returns the number of fields read from a value, which may be a list or missing. */
  count(plan: Plan, value: unknown): number {
    if (value === null || value === undefined) return 0;
    if (Array.isArray(value)) {
      let sum = 0;
      for (const item of value) sum += this.count(plan, item);
      return sum;
    }
    const known = plan.counts.get(value);
    if (known !== undefined) return known;
    let count = plan.leaves + plan.branches.length;
    this.#left -= count;
    for (const { plan: inner, resolve } of plan.branches) {
      // The bound is exceeded already.
      if (this.#left < 0) break;
      count += this.count(inner, resolve(value));
    }
    plan.counts.set(value, count);
    return count;
  }
}
