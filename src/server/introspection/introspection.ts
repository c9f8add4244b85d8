import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  type ExecutionArgs,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  getIntrospectionQuery,
  getOperationAST,
  type OperationDefinitionNode,
  parse,
  print,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
import { GatewayError } from '../../context/errors.ts';
import { Turns } from '../../realtime/turns.ts';
import { isLive } from '../../subscriptions/live-queries.ts';
import { operationTooLarge } from '../operation-limits.ts';
import { textResult } from '../text-result.ts';
import { createIntrospect } from './execution.ts';
import { fieldsOf, fragmentsOf, type Price, priceOf } from './introspection-price.ts';

/** How many times as much as the standard introspection query an operation may read. */
const ALLOWANCE = 2;
/** How many introspection fields an operation may read together with other fields. */
const MAX_BESIDE = 5_000;
const MAX_STORED_BYTES = 32 * 1024 * 1024;
const BYTES_PER_CHARACTER = 2;

type Args = ExecutionArgs & { signal?: AbortSignal };

/** The introspection fields of an operation. */
interface Introspection {
  fields: FieldNode[];
  fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** Whether the operation has no other fields. */
  isAlone: boolean;
}

/**
 * Limits introspection. The result of an operation that only reads the schema is the same for every
 * client: it is computed in slices, one operation at a time, and cached as text.
 */
export function useIntrospection(schema: GraphQLSchema): Plugin {
  const introspect = createIntrospect(schema);
  const assertAffordable = createPricing(schema);
  const turns = new Turns(1);
  const answers = new LRUCache<string, string>({
    maxSize: MAX_STORED_BYTES,
    sizeCalculation: (text) => BYTES_PER_CHARACTER * text.length,
  });

  const answer = async (key: string, args: Args, asked: Introspection) => {
    const stored = answers.get(key);
    if (stored) return textResult(stored);
    args.signal?.throwIfAborted();
    assertAffordable(asked, args);
    const result = await introspect(args);
    if (result.errors) return result;
    const text = JSON.stringify(result);
    answers.set(key, text);
    return textResult(text);
  };

  return {
    onExecute({ args, setExecuteFn }) {
      const asked = introspectionOf(args);
      if (asked?.isAlone) {
        setExecuteFn((given: Args) => {
          const key = keyOf(given);
          if (answers.has(key)) return answer(key, given, asked);
          return givenUp(
            turns.take(() => answer(key, given, asked)),
            given.signal,
          );
        });
      } else if (asked) {
        assertFewBeside(schema, asked, args);
      }
    },
  };
}

function introspectionOf({ document, operationName }: Args): Introspection | null {
  const operation = getOperationAST(document, operationName);
  if (operation?.operation !== 'query') return null;
  const fragments = fragmentsOf(document);
  const roots = fieldsOf(operation.selectionSet, fragments);
  const fields = roots.filter(({ name }) => name.value === '__schema' || name.value === '__type');
  if (fields.length === 0) return null;
  return { fields, fragments, isAlone: roots.every(({ name }) => name.value.startsWith('__')) };
}

/** Returns a function that throws OPERATION_TOO_LARGE if an operation reads too much of the schema. */
function createPricing(schema: GraphQLSchema) {
  let usual: Price | undefined;
  return ({ fields, fragments }: Introspection, { variableValues }: Args): void => {
    usual ??= usualPrice(schema);
    const bound = ALLOWANCE * usual.total;
    const price = priceOf(schema, fields, fragments, variableValues ?? {}, bound);
    if (price.total <= bound && price.largest <= ALLOWANCE * usual.largest) return;
    throw operationTooLarge('The operation reads too much of the schema. Split it into several.');
  };
}

/** Throws if an operation with other fields, whose result is not cached, reads too much of the schema. */
function assertFewBeside(schema: GraphQLSchema, asked: Introspection, args: Args): void {
  if (isLive(args)) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      'A live query cannot read the schema, which does not change. Read it in a separate query.',
    );
  }
  const { fields, fragments } = asked;
  const price = priceOf(schema, fields, fragments, args.variableValues ?? {}, MAX_BESIDE);
  if (price.total <= MAX_BESIDE) return;
  throw operationTooLarge(
    'The operation reads too much of the schema together with other fields. Read it in a separate query.',
  );
}

/** The price of the standard introspection query with all of its options. */
function usualPrice(schema: GraphQLSchema): Price {
  const document = parse(
    getIntrospectionQuery({
      schemaDescription: true,
      specifiedByUrl: true,
      directiveIsRepeatable: true,
      inputValueDeprecation: true,
      oneOf: true,
    }),
  );
  const fragments = fragmentsOf(document);
  const { selectionSet } = getOperationAST(document) as OperationDefinitionNode;
  return priceOf(schema, fieldsOf(selectionSet, fragments), fragments, {});
}

/** The cache key. Documents that differ only in whitespace and comments share one. */
function keyOf({ document, operationName, variableValues }: Args): string {
  const text = JSON.stringify([print(document), operationName, variableValues]);
  return createHash('sha256').update(text).digest('base64');
}

/** Settles like the work, or rejects when the signal is aborted first. */
async function givenUp<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  const aborted = once(signal, 'abort').then(() => Promise.reject(signal.reason));
  return Promise.race([work, aborted]);
}
