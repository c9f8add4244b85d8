import { getNamedType } from 'graphql';
import { expect } from 'vitest';
import type { Answer } from '../server/support/gateway.ts';
import type { Client } from '../support/api.ts';
import type { Row } from '../support/rows.ts';
import { mutationFields, type Writable } from './writable.ts';

/** A mutation and its arguments. */
export type Call = [field: string, args: Row];

export interface Refusal {
  __typename: string;
  message: string;
  path: string[];
}

/** The result for one row. */
export interface Outcome {
  id: string | null;
  row: Row | null;
  errors: Refusal[];
}

/** The payload of a mutation: one outcome, or with `results` those of many rows. */
export type Payload = Outcome & { affected?: number; results?: Outcome[] };

/** Documents have at most 30 aliases and 2,000 tokens. */
const FIELDS = 20;

/** Runs mutations of a model one after the other; each must return data. */
export async function mutateAll(
  client: Client,
  writable: Writable,
  calls: readonly Call[],
): Promise<Payload[]> {
  const payloads: Payload[] = [];
  for (let start = 0; start < calls.length; start += FIELDS) {
    const some = calls.slice(start, start + FIELDS);
    const { query, variables } = documentOf(writable, some);
    const data = await client.data(query, variables);
    payloads.push(...some.map((_, i) => payloadIn(data[`a${i}`], writable)));
  }
  return payloads;
}

/** The row is under its own name: an alias for it would use up a document's aliases. */
function payloadIn(data: Row, { lookup }: Writable): Payload {
  const { results } = data as { results?: Row[] };
  const outcome = ({ [lookup]: row = null, ...rest }: Row) =>
    ({ ...rest, row }) as unknown as Outcome;
  return results
    ? ({ ...data, results: results.map(outcome) } as unknown as Payload)
    : outcome(data);
}

/** Returns an outcome that must be a success. */
export function done<Some extends Outcome>(payload: Some | undefined): Some {
  expect(payload?.errors).toEqual([]);
  return payload as Some;
}

/** Runs one mutation that must return data. */
export async function mutate(client: Client, writable: Writable, field: string, args: Row) {
  const [payload] = await mutateAll(client, writable, [[field, args]]);
  return payload as Payload;
}

/** Runs one mutation and returns the whole answer. */
export function tryMutation(
  client: Client,
  writable: Writable,
  field: string,
  args: Row,
): Promise<Answer> {
  const { query, variables } = documentOf(writable, [[field, args]]);
  return client.ask(query, variables);
}

/** The rows of a model with these ids, with every column, as clients read them. */
export async function readRows(
  client: Client,
  { name, root, columns }: Writable,
  ids: readonly (string | null)[],
): Promise<Map<string, Row>> {
  const data = await client.data(
    `query ($filter: ${name}Filter!) { list: ${root}(filter: $filter, first: 100) { nodes { ${columns
      .map(([column]) => column)
      .join(' ')} } } }`,
    { filter: { id: { in: ids } } },
  );
  return new Map(data.list.nodes.map((node: Row) => [String(node.id), node]));
}

/** A document that calls mutations as `a0`, `a1` and so on, with this selection of their rows. */
export function documentOf(
  { name, lookup, columns }: Writable,
  calls: readonly Call[],
  selection = columns.map(([column]) => column).join(' '),
) {
  const variables: Row = {};
  const types: string[] = [];
  const fields = calls.map(([field, args], i) => {
    const known = mutationFields[field];
    if (!known) throw new TypeError(`There is no mutation ${field}`);
    const given = Object.entries(args).map(([arg, value]) => {
      const type = known.args.find((each) => each.name === arg)?.type;
      if (!type) throw new TypeError(`${field} has no argument ${arg}`);
      types.push(`$${arg}${i}: ${type}`);
      variables[`${arg}${i}`] = value;
      return `${arg}: $${arg}${i}`;
    });
    const isBulk = String(getNamedType(known.type)).endsWith('BulkPayload');
    return `a${i}: ${field}(${given.join(', ')}) ${isBulk ? '{ affected results { ...Result } }' : '{ ...Result }'}`;
  });
  return {
    query: `mutation (${types.join(', ')}) { ${fields.join(' ')} }
      fragment Result on ${name}Payload {
        id ${lookup} { ${selection} } errors { __typename message path }
      }`,
    variables,
  };
}
