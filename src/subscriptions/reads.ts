import {
  type GraphQLNamedType,
  type GraphQLSchema,
  isInputObjectType,
  isLeafType,
  isObjectType,
} from 'graphql';
import { catalog } from '../generated/catalog.ts';
import { isStatistics, modelNamed } from '../schema/model/type-names.ts';
import type { TypeVisitor } from './document-types.ts';

/** What the rows of a model bring along that is made of their columns. */
const OF_COLUMNS = new Set(['__typename', 'nodeId', 'allowedTransitions']);
/** What is made of the rows that are read anyway. */
const OF_ROWS = new Set(['Query', 'PageInfo']);

/** Of which models' rows an answer is made. */
export class Reads implements TypeVisitor {
  readonly #schema: GraphQLSchema;
  readonly #models: Set<string>;
  /** Whether a view, a history or the like is among them: these may be made of any rows. */
  #everything = false;
  #memberships = false;

  constructor(schema: GraphQLSchema, models: Iterable<string> = []) {
    this.#schema = schema;
    this.#models = new Set(models);
  }

  /** Returns the same, to be added to. */
  copy(): Reads {
    const copy = new Reads(this.#schema, this.#models);
    copy.#everything = this.#everything;
    copy.#memberships = this.#memberships;
    return copy;
  }

  /** Whether a change to a row of this model may change the answer. */
  includes(model: string): boolean {
    return this.#everything || this.#models.has(model);
  }

  /** Whether memberships of other workspaces are part of the answer: their changes are not received here. */
  get memberships(): boolean {
    return this.#memberships;
  }

  field(parent: GraphQLNamedType, name: string, type: GraphQLNamedType): void {
    if (parent.name.startsWith('__') || type.name.startsWith('__')) return;
    if (type.name === 'ViewerMembership') this.#memberships = true;
    if (!isLeafType(type)) this.#output(type);
    else if (this.#isModel(parent.name)) this.#leaf(parent.name, name);
  }

  input(type: GraphQLNamedType): void {
    const model = modelNamed(type.name);
    if (isInputObjectType(type) && this.#isModel(model)) this.#models.add(model);
  }

  #output({ name }: GraphQLNamedType): void {
    const model = modelNamed(name);
    if (this.#isModel(model)) this.#models.add(model);
    else if (!OF_ROWS.has(name) && !isStatistics(name)) this.#everything = true;
  }

  #leaf(model: string, name: string): void {
    if (!OF_COLUMNS.has(name) && !catalog.models[model]?.columns[name]) this.#everything = true;
  }

  /** Whether it is a type whose changes are delivered; views have none. */
  #isModel(name: string): boolean {
    const type = this.#schema.getType(name);
    return isObjectType(type) && type.getInterfaces().some((each) => each.name === 'Node');
  }
}
