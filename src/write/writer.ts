import { type DocumentNode, type GraphQLError, type GraphQLSchema, locatedError } from 'graphql';
import type { Context } from '../context/context.ts';
import type { Session } from '../context/session.ts';
import type { ReadValue } from '../resolvers/page-cursor.ts';
import { writeRefusal } from '../resolvers/permissions.ts';
import { type Row, requireScope } from '../resolvers/rows.ts';
import { Unsupported, type Variables } from '../sql/fragment.ts';
import { createWritePlans, type WritePlan, withIds } from './write-plan.ts';
import { change, deletion, insertion, type WriteStatements } from './write-statements.ts';

/** A mutation of one field, and who sends it. */
export interface WriteRequest {
  document: DocumentNode;
  operationName: string | null | undefined;
  /** Coerced. */
  variables: Variables;
  context: Context;
  session: Session;
  /** SQL that has to be true, or nothing is done. */
  check?: string;
}

/** The data of a mutation as JSON text, and the error of its field. */
export interface Written {
  /** The name of the field in the answer. */
  name: string;
  data: string;
  error?: GraphQLError;
}

export interface Writer {
  /**
   * Does a mutation in one round trip. Null where nothing was done: it has to be executed, which also
   * reports what is wrong with it. With an error it may have been done, and must not be done again.
   */
  write(request: WriteRequest): Promise<Written | null>;
}

/** Returns what does mutations whose statements are known beforehand. */
export function createWriter(schema: GraphQLSchema, readValue: ReadValue): Writer {
  const planOf = createWritePlans(schema, readValue);
  return {
    async write({ document, operationName, variables, context, session, check = 'true' }) {
      const plan = planOf(document, operationName, variables);
      const prepared = plan && prepareWrite(plan, context, variables, check);
      if (!prepared) return null;
      const { statements, text, values, least } = prepared;
      try {
        const done = await session.work.finish(() =>
          context.database.writeTexts(statements, { text, values }, session),
        );
        if (!done || done.written < least) return null;
        return { name: plan.name, data: `{"${plan.name}":${done.texts[0]}}` };
      } catch (error) {
        const located = locatedError(error, plan.nodes, [plan.name]);
        return { name: plan.name, data: `{"${plan.name}":null}`, error: located };
      }
    },
  };
}

/** Returns what to send, null for what has to be executed. */
function prepareWrite(plan: WritePlan, context: Context, variables: Variables, check: string) {
  try {
    const args = plan.argumentsOf(variables);
    const { kind, model } = plan.writable;
    requireScope(context, model);
    if (args.dryRun || writeRefusal(context, model)) return null;
    const { statements, ids } = statementsOf(plan, context, args);
    const values = plan.answer.bind(withIds(variables, ids));
    const since = args.ifUnmodifiedSince as Date | null | undefined;
    const gone = kind === 'delete' ? deletion(model, ids[0] as string, since, values) : undefined;
    const text = answerText(plan.answer.text, check, gone);
    return { statements, text, values, least: statements.length > 0 ? 1 : 0 };
  } catch {
    return null;
  }
}

function statementsOf(
  { writable: { kind, model } }: WritePlan,
  context: Context,
  args: Row,
): WriteStatements {
  switch (kind) {
    case 'create':
      return insertion(context, model, [args.input as Row]);
    case 'createMany':
      if (args.atomic === false) throw new Unsupported('rows of which some are created');
      return insertion(context, model, args.inputs as Row[]);
    case 'update':
      return change(model, args.id as string, args.input as Row, args.ifUnmodifiedSince as Date);
    case 'delete':
      return { statements: [], ids: [args.id as string] };
  }
}

/**
 * The statement fails, and takes what was written with it, if the answer has a value that cannot be
 * shown, the check does not hold, or the row to be deleted is not there.
 */
function answerText(answer: string, check: string, gone: string | undefined): string {
  const isGone = gone ? ' and (select count(*) from gone) = 1' : '';
  const isRight = `strpos(answered.text, chr(1)) = 0 and ${check}${isGone}`;
  const failing = `1 / (case when ${isRight} then 1 else 0 end)`;
  const before = gone ? `with gone as (${gone}) ` : '';
  return `${before}select answered.text, ${failing} from (select ${answer} as text offset 0) as answered`;
}
