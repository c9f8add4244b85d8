import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLIncludeDirective,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getDirectiveValues,
  type InlineFragmentNode,
  isAbstractType,
  isObjectType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { Arguments } from './price.ts';

/**
 * Reads the selections of a document like the executor: fragments are spread, conditions evaluated.
 */
export class Selections {
  readonly #schema: GraphQLSchema;
  readonly #variables: Arguments;
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;

  constructor(schema: GraphQLSchema, document: DocumentNode, variables: Arguments) {
    this.#schema = schema;
    this.#variables = variables;
    const fragments = document.definitions.filter((each) => each.kind === Kind.FRAGMENT_DEFINITION);
    this.#fragments = new Map(fragments.map((each) => [each.name.value, each]));
  }

  /** Returns the fields that are selected of a type, by their names in the answer. */
  fieldsOf(sets: readonly SelectionSetNode[], type: GraphQLNamedType): Map<string, FieldNode[]> {
    const fields = new Map<string, FieldNode[]>();
    this.#visit(sets, (selection) => {
      if (selection.kind !== Kind.FIELD) return this.#concerns(selection, type);
      const name = (selection.alias ?? selection.name).value;
      const nodes = fields.get(name);
      if (nodes) nodes.push(selection);
      else fields.set(name, [selection]);
      return false;
    });
    return fields;
  }

  /** Returns the types that have selections of their own. */
  typesNamed(sets: readonly SelectionSetNode[]): Set<GraphQLObjectType> {
    const types = new Set<GraphQLObjectType>();
    this.#visit(sets, (selection) => {
      if (selection.kind === Kind.FIELD) return false;
      const type = this.#conditionOf(selection);
      if (isObjectType(type)) types.add(type);
      return true;
    });
    return types;
  }

  /** Visits selections, and enters fragments for which `enter` returns true. */
  #visit(
    sets: readonly SelectionSetNode[],
    enter: (selection: FieldNode | InlineFragmentNode | FragmentDefinitionNode) => boolean,
    spread = new Set<FragmentDefinitionNode>(),
  ): void {
    for (const { selections } of sets) {
      for (const selection of selections) {
        if (!this.#isIncluded(selection)) continue;
        const found =
          selection.kind === Kind.FRAGMENT_SPREAD
            ? this.#fragments.get(selection.name.value)
            : selection;
        if (!found || (found.kind === Kind.FRAGMENT_DEFINITION && spread.has(found))) continue;
        if (found.kind === Kind.FRAGMENT_DEFINITION) spread.add(found);
        if (enter(found) && found.selectionSet) this.#visit([found.selectionSet], enter, spread);
      }
    }
  }

  #conditionOf({ typeCondition }: InlineFragmentNode | FragmentDefinitionNode) {
    return typeCondition && this.#schema.getType(typeCondition.name.value);
  }

  #concerns(
    fragment: InlineFragmentNode | FragmentDefinitionNode,
    type: GraphQLNamedType,
  ): boolean {
    const condition = this.#conditionOf(fragment);
    if (!condition || condition === type) return true;
    return (
      isAbstractType(condition) && isObjectType(type) && this.#schema.isSubType(condition, type)
    );
  }

  #isIncluded(selection: SelectionNode): boolean {
    if (!selection.directives?.length) return true;
    const skip = getDirectiveValues(GraphQLSkipDirective, selection, this.#variables);
    const include = getDirectiveValues(GraphQLIncludeDirective, selection, this.#variables);
    return skip?.if !== true && include?.if !== false;
  }
}
