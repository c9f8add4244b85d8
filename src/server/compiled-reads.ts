import {
  type ExecutionArgs,
  type ExecutionResult,
  type FieldNode,
  getOperationAST,
  getVariableValues,
  type OperationDefinitionNode,
} from 'graphql';
import type { Context } from '../context/context.ts';
import { printJson } from '../context/exact-json.ts';
import { WorkStoppedError } from '../context/work.ts';
import type { Plan, Reader } from '../read/reader.ts';
import { FAILED } from '../sql/json.ts';
import { documentFor, operationOf } from './root-fields.ts';
import { textResult } from './text-result.ts';

/** Executes an operation, or a part of it. */
type Execute<Args> = (args: Args) => unknown;

/**
 * Answers a query by one statement, and executes the fields that the statement cannot read. If the
 * statement fails, all of it is executed, so that each field has its own value or error. `onCompiled`
 * is called with the names in the answer of the fields that the statement has read.
 */
export async function executeQuery<Args extends ExecutionArgs>(
  reader: Reader | null,
  execute: Execute<Args>,
  args: Args,
  onCompiled: (names: readonly string[]) => void = () => {},
): Promise<unknown> {
  const definition = getOperationAST(args.document, args.operationName);
  const planned = reader && definition && planOf(reader, definition, args);
  const texts = planned && (await readTexts(planned.plan, planned.variables, args.contextValue));
  if (!definition || !planned || !texts) return execute(args);
  const { plan } = planned;
  const left = [...plan.fields.values()].flatMap((nodes): readonly FieldNode[] => nodes ?? []);
  const result = await withOthers(plan, texts, left, (fields) =>
    execute({ ...args, document: documentFor(operationOf(args.document, definition), fields) }),
  );
  if (!result) return execute(args);
  const compiled = [...plan.fields].filter(([, nodes]) => !nodes).map(([name]) => name);
  onCompiled(compiled);
  return result;
}

/** Returns the result with the fields that are executed; null if these leave no data. */
async function withOthers(
  plan: Plan,
  texts: readonly (string | null)[],
  fields: readonly FieldNode[],
  executeFields: (fields: readonly FieldNode[]) => unknown,
): Promise<ExecutionResult | null> {
  if (fields.length === 0) return textResult(`{"data":${dataText(plan, texts, {})}}`);
  const { data, errors } = (await executeFields(fields)) as ExecutionResult;
  if (!data) return null;
  const result = textResult(`{"data":${dataText(plan, texts, data)}}`);
  return errors ? { errors, data: result.data ?? null } : result;
}

function planOf(reader: Reader, definition: OperationDefinitionNode, args: ExecutionArgs) {
  const { schema, document, operationName, variableValues = {} } = args;
  const { coerced } = getVariableValues(
    schema,
    definition.variableDefinitions ?? [],
    variableValues as Record<string, unknown>,
  );
  const plan = coerced && reader.planOf(document, operationName, coerced);
  return plan ? { plan, variables: coerced } : null;
}

/** Returns the text of each field that is read; null if one of them has to be executed. */
async function readTexts(
  plan: Plan,
  variables: Readonly<Record<string, unknown>>,
  contextValue: unknown,
): Promise<readonly (string | null)[] | null> {
  const { database, workspace } = contextValue as Context;
  if (plan.needsWorkspace && !workspace) return null;
  try {
    const texts = await database.texts(plan.textWith(), plan.bind(variables));
    return texts.some((text) => text?.includes(FAILED)) ? null : texts;
  } catch (error) {
    if (error instanceof WorkStoppedError) throw error;
    return null;
  }
}

/** Returns the data of an answer: of each field the text that was read, or its value as it was executed. */
export function dataText(
  { read, fields }: Plan,
  texts: readonly (string | null)[],
  executed: Readonly<Record<string, unknown>>,
): string {
  const textOf = new Map(read.map((name, n) => [name, texts[n] ?? 'null']));
  const members = [...fields.keys()].map(
    (name) => `"${name}":${textOf.get(name) ?? printJson(executed[name] ?? null)}`,
  );
  return `{${members.join(',')}}`;
}
