import {
  type FieldNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
  OperationTypeNode,
} from 'graphql';
import type { ReadValue } from '../resolvers/page-cursor.ts';
import { needsWorkspace } from '../resolvers/rows.ts';
import { join, prepare, type Sql, Unsupported, type Variables } from '../sql/fragment.ts';
import { Compiler } from './compiler.ts';
import { createPlanCache, type PlanOf } from './plan-cache.ts';
import { type Reading, selectedFields } from './selection.ts';

/** How a query, or a part of it, is answered by one statement. */
export interface Plan {
  /**
   * Returns the statement. Its only row has the JSON text of each field, null if there is no row
   * for it; `first`, if given, is an expression in front of them.
   */
  textWith(first?: string): string;
  /** Returns the values of its parameters. Throws BAD_USER_INPUT for a wrong argument. */
  bind(variables: Variables): unknown[];
  /** The names in the answer of the fields that the statement reads, in the order of its columns. */
  read: readonly string[];
  /** All names in the answer, in its order; the fields of those that have to be executed. */
  fields: ReadonlyMap<string, readonly FieldNode[] | null>;
  /** Whether it needs a current workspace. */
  needsWorkspace: boolean;
}

/** Plans queries. A query has no plan if none of its fields can be compiled. */
export interface Reader {
  planOf: PlanOf<Plan>;
}

/** Postgres has to parse and plan a statement. */
export const MAX_STATEMENT_CHARACTERS = 100_000;

/** Returns what turns queries into statements. */
export function createReader(schema: GraphQLSchema, readValue: ReadValue): Reader {
  const planOf = createPlanCache<Plan>({
    schema,
    type: OperationTypeNode.QUERY,
    make: (reading, definition) => planQuery(reading, readValue, definition),
    sizeOf: (plan) => plan.textWith().length,
  });
  return { planOf };
}

function planQuery(
  reading: Reading,
  readValue: ReadValue,
  { selectionSet }: OperationDefinitionNode,
): Plan | null {
  const query = reading.schema.getQueryType();
  if (!query) return null;
  const compiler = new Compiler(reading, readValue);
  const fields = new Map<string, readonly FieldNode[] | null>();
  const texts = new Map<string, Sql>();
  let inWorkspace = false;
  for (const [name, nodes] of selectedFields(reading, query, [selectionSet])) {
    const field = query.getFields()[(nodes[0] as FieldNode).name.value];
    const root = field && orExecuted(() => compiler.root(field, nodes));
    fields.set(name, root ? null : nodes);
    if (!root) continue;
    texts.set(name, root.text);
    inWorkspace ||= needsWorkspace(root.model);
  }
  if (texts.size === 0) return null;
  const { text, bind } = prepare(join([...texts.values()], ', '));
  if (text.length > MAX_STATEMENT_CHARACTERS) return null;
  const read = [...texts.keys()];
  const textWith = remembered((first) => `select ${first && `${first}, `}${text}`);
  return { textWith, bind, read, fields, needsWorkspace: inWorkspace };
}

/**
 * Returns what makes a statement with an expression, the same text every time: looking for a prepared
 * statement is slow for one that was just made.
 */
export function remembered(make: (expression: string) => string): (expression?: string) => string {
  const known = new Map<string, string>();
  return (expression = '') => {
    let text = known.get(expression);
    if (text === undefined) {
      text = make(expression);
      known.set(expression, text);
    }
    return text;
  };
}

/** Returns the composed SQL, undefined for fields that have to be executed. */
export function orExecuted<T>(compose: () => T): T | undefined {
  try {
    return compose();
  } catch (error) {
    if (error instanceof Unsupported) return undefined;
    throw error;
  }
}
