import {
  type Comparison,
  type Condition,
  comparisonsOf,
  hasPart,
  type Input,
} from './conditions.ts';
import { isByRelated } from './ordering.ts';
import { type PageArguments, type PageRequest, readPageRequest } from './page.ts';
import type { ReadValue } from './page-cursor.ts';
import { readFilter } from './read-filter.ts';

/** What a list is asked for. */
export interface ListRequest {
  page: PageRequest;
  filter: Condition | null;
}

export interface ListArguments extends PageArguments {
  filter?: Input | null;
}

/**
 * Reads the arguments of a list (`list` names it in its cursors) over a model. Throws BAD_USER_INPUT with
 * the wrong argument.
 */
export function readListRequest(
  list: string,
  model: string,
  args: ListArguments,
  readValue: ReadValue,
): ListRequest {
  return {
    page: readPageRequest(list, model, args, readValue),
    filter: readFilter(model, args.filter),
  };
}

/** Whether the rows are found by others in a way that only a statement of our own can express. */
export function isFoundByOthers({ page, filter }: ListRequest): boolean {
  return isByRelated(page.orderings) || hasPart(filter, ['measured']);
}

/** All comparisons that a request makes, in an order that only depends on its shape. */
export function comparisonsIn({ page, filter }: ListRequest): Comparison[] {
  const filters = page.orderings.map(({ via }) => (via?.kind === 'many' ? via.filter : null));
  return [filter, ...filters].flatMap(comparisonsOf);
}
