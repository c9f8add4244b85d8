import {
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLError,
  getOperationAST,
  getVariableValues,
  locatedError,
  type OperationDefinitionNode,
} from 'graphql';
import type { Context } from '../context/context.ts';
import { createSession, currentSession } from '../context/session.ts';
import { answerField, type FinalAnswer } from '../resolvers/writes/answer.ts';
import type { Writer } from '../write/writer.ts';
import { undone } from './error-mask.ts';
import { requestHash } from './request-hash.ts';
import { documentFor, operationOf, rootFields, withoutFields } from './root-fields.ts';
import { textResult } from './text-result.ts';

type Limited = ExecutionArgs & { signal: AbortSignal };

/**
 * Executes a mutation. Its root fields are executed one after the other, each in a transaction with
 * all that the document selects of its answer. A field with an error has changed nothing, and does
 * not affect the others. Rejects if the time is up before any field is answered. With a writer, a
 * mutation of one field whose statements are known beforehand takes one round trip.
 */
export async function executeMutation(
  writer: Writer | null,
  execute: (args: Limited) => unknown,
  args: Limited,
  onCompiled: (names: readonly string[]) => void = () => {},
): Promise<ExecutionResult> {
  const { schema, document, operationName, signal } = args;
  const context = args.contextValue as Context;
  const variables = args.variableValues ?? {};
  const definition = getOperationAST(document, operationName) as OperationDefinitionNode;
  const operation = operationOf(document, definition);
  const fields = rootFields(schema, operation, variables);
  const written = writer && (await writeAtOnce(writer, args, definition));
  if (written) {
    onCompiled([...fields.keys()]);
    return written;
  }
  const run = async (part: Partial<ExecutionArgs>) =>
    // The executor never takes its listener off a signal.
    (await execute({ ...args, ...part, signal: AbortSignal.any([signal]) })) as ExecutionResult;

  // Errors of the request as a whole are found before any field is executed.
  const checked = await run({ document: withoutFields(operation) });
  if (!checked.data) return checked;
  const whole = documentFor(operation, [...fields.values()].flat());

  const { idempotencyKey } = context;
  const key = idempotencyKey && { ...idempotencyKey, hash: requestHash(whole, variables) };
  // The executor waits for the resolver of a root field, however long it takes.
  const timeUp = rejectionOf(signal);
  const data: Record<string, unknown> = Object.create(null);
  const errors: GraphQLError[] = [];
  for (const [name, nodes] of fields) {
    try {
      signal.throwIfAborted();
      const own = fields.size === 1 ? document : documentFor(operation, nodes);
      const answered = await answerField(context, name, key, async (contextValue) => {
        const result = await Promise.race([run({ document: own, contextValue }), timeUp]);
        return { value: result.data?.[name] ?? null, errors: result.errors ?? [] };
      });
      data[name] = answered.isUndone ? null : answered.value;
      errors.push(...errorsOf(answered));
    } catch (error) {
      const isFirst = Object.keys(data).length === 0;
      if (isFirst && error === signal.reason) throw error;
      data[name] = null;
      errors.push(locatedError(error, nodes, [name]));
    }
  }
  return errors.length > 0 ? { errors, data } : { data };
}

/** Returns the result of a mutation; null if it has to be executed. */
async function writeAtOnce(
  writer: Writer,
  { schema, document, operationName, variableValues, contextValue }: ExecutionArgs,
  { variableDefinitions = [] }: OperationDefinitionNode,
): Promise<ExecutionResult | null> {
  const context = contextValue as Context;
  if (context.idempotencyKey) return null;
  const { coerced: variables } = getVariableValues(
    schema,
    variableDefinitions,
    variableValues ?? {},
  );
  if (!variables) return null;
  const session = createSession(context.session, currentSession().work);
  const written = await writer.write({ document, operationName, variables, context, session });
  if (!written) return null;
  const result = textResult(`{"data":${written.data}}`);
  return written.error ? { data: result.data ?? null, errors: [written.error] } : result;
}

/** For a write that was undone, only the error that undid it: the others follow from it. */
function errorsOf({ errors, isUndone }: FinalAnswer): GraphQLError[] {
  const all = errors as readonly GraphQLError[];
  return isUndone ? all.slice(0, 1).map(undone) : [...all];
}

function rejectionOf(signal: AbortSignal): Promise<never> {
  const rejection = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  rejection.catch(() => {});
  return rejection;
}
