import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  type ExecutionArgs,
  type ExecutionResult,
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
import { operationTooLarge } from '../limits.ts';
import { isLive } from '../subscriptions/live-queries.ts';
import { createIntrospect } from './execution.ts';
import { fieldsOf, fragmentsOf, type Price, priceOf } from './price.ts';

/** How much more of the schema than the usual query an operation may read. */
const ALLOWANCE = 2;
/** How many fields of the schema an operation may read beside other fields. */
const MAX_BESIDE = 5_000;
const MAX_STORED_BYTES = 32 * 1024 * 1024;
const BYTES_PER_CHARACTER = 2;

type Args = ExecutionArgs & { signal?: AbortSignal };

/** What an operation reads of the schema itself. */
interface Introspection {
  fields: FieldNode[];
  fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** Whether it reads nothing else. */
  isAlone: boolean;
}

/**
 * Bounds what operations read of the schema itself. The answer to one that reads nothing else is made
 * in slices, one answer at a time, and stored as the text that it is: it is the same for everybody.
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
    if (stored) return storedResult(stored);
    args.signal?.throwIfAborted();
    assertAffordable(asked, args);
    const result = await introspect(args);
    if (result.errors) return result;
    const text = JSON.stringify(result);
    answers.set(key, text);
    return storedResult(text);
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

/** Returns the function that throws OPERATION_TOO_LARGE for more than any answer may have. */
function createPricing(schema: GraphQLSchema) {
  let usual: Price | undefined;
  return ({ fields, fragments }: Introspection, { variableValues }: Args): void => {
    usual ??= usualPrice(schema);
    const bound = ALLOWANCE * usual.total;
    const price = priceOf(schema, fields, fragments, variableValues ?? {}, bound);
    if (price.total <= bound && price.largest <= ALLOWANCE * usual.largest) return;
    throw operationTooLarge(
      'The operation reads too much of the schema. Ask for less of it at a time.',
    );
  };
}

/** Throws for what cannot be read of the schema beside other fields, which is not stored. */
function assertFewBeside(schema: GraphQLSchema, asked: Introspection, args: Args): void {
  if (isLive(args)) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      'A live query cannot read the schema, which does not change. Ask for it in a query of its own.',
    );
  }
  const { fields, fragments } = asked;
  const price = priceOf(schema, fields, fragments, args.variableValues ?? {}, MAX_BESIDE);
  if (price.total <= MAX_BESIDE) return;
  throw operationTooLarge(
    'The operation reads too much of the schema beside other fields. Ask for it in a query of its own.',
  );
}

/** The price of what clients ask for to know all of the schema. */
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

/** The same for documents that differ in nothing but spaces and comments. */
function keyOf({ document, operationName, variableValues }: Args): string {
  const text = JSON.stringify([print(document), operationName, variableValues]);
  return createHash('sha256').update(text).digest('base64');
}

/** A result that is sent as it is stored; only sockets take it apart. */
function storedResult(text: string): ExecutionResult {
  const result = {
    get data() {
      return (JSON.parse(text) as ExecutionResult).data;
    },
    stringify: () => text,
  };
  return result as ExecutionResult;
}

/** Settles like the work, or rejects when it is given up before. */
async function givenUp<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  const aborted = once(signal, 'abort').then(() => Promise.reject(signal.reason));
  return Promise.race([work, aborted]);
}
