import {
  BREAK,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getDirectiveValues,
  getNamedType,
  isAbstractType,
  isObjectType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import { Unsupported, type Variables } from '../sql/fragment.ts';

/** What selections are read with. */
export interface Reading {
  schema: GraphQLSchema;
  fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  variables: Variables;
}

/**
 * Returns the fields that an object of a type is asked for, by their names in the answer and in its
 * order; several of one name select together.
 */
export function selectedFields(
  reading: Reading,
  type: GraphQLObjectType,
  sets: readonly SelectionSetNode[],
): Map<string, FieldNode[]> {
  const found = new Map<string, FieldNode[]>();
  const visited = new Set<string>();
  const collect = (set: SelectionSetNode) => {
    for (const selection of set.selections) {
      if (!isIncluded(selection, reading.variables)) continue;
      if (selection.kind === Kind.FIELD) {
        const name = (selection.alias ?? selection.name).value;
        const known = found.get(name);
        if (known) known.push(selection);
        else found.set(name, [selection]);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        if (applies(reading.schema, selection, type)) collect(selection.selectionSet);
      } else if (!visited.has(selection.name.value)) {
        visited.add(selection.name.value);
        const fragment = reading.fragments.get(selection.name.value);
        if (fragment && applies(reading.schema, fragment, type)) collect(fragment.selectionSet);
      }
    }
  };
  sets.forEach(collect);
  return found;
}

function applies(
  schema: GraphQLSchema,
  { typeCondition }: Pick<FragmentDefinitionNode, 'typeCondition'> | { typeCondition?: undefined },
  type: GraphQLObjectType,
): boolean {
  if (!typeCondition || typeCondition.name.value === type.name) return true;
  const condition = schema.getType(typeCondition.name.value);
  return isAbstractType(condition) && schema.isSubType(condition, type);
}

function isIncluded(node: SelectionNode, variables: Variables): boolean {
  if (!node.directives?.length) return true;
  const skip = getDirectiveValues(GraphQLSkipDirective, node, variables);
  const include = getDirectiveValues(GraphQLIncludeDirective, node, variables);
  return skip?.if !== true && include?.if !== false;
}

const CONDITIONS = [GraphQLSkipDirective.name, GraphQLIncludeDirective.name];

/** Whether a document has directives that say more than whether a field is included. */
export function hasOtherDirectives(document: DocumentNode): boolean {
  let found = false;
  visit(document, {
    Directive({ name }) {
      found ||= !CONDITIONS.includes(name.value);
      return found ? BREAK : undefined;
    },
  });
  return found;
}

/** Upper bound for the memory of one node of a document. */
const BYTES_PER_NODE = 320;
const BYTES_PER_CHARACTER = 2;

/** The memory that a document takes, in bytes. */
export function bytesOf(document: DocumentNode): number {
  let bytes = BYTES_PER_CHARACTER * (document.loc?.source.body.length ?? 0);
  visit(document, {
    enter() {
      bytes += BYTES_PER_NODE;
    },
  });
  return bytes;
}

export type AnyField = GraphQLField<unknown, unknown>;

/** The selections of fields that have one name in the answer. */
export function setsOf(nodes: readonly FieldNode[]): SelectionSetNode[] {
  return nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
}

/** Returns the type of the objects that a field shows. Throws Unsupported where they have several. */
export function objectType(type: GraphQLOutputType): GraphQLObjectType {
  const named = getNamedType(type);
  if (!isObjectType(named)) throw new Unsupported(`rows of several types: ${named.name}`);
  return named;
}
