import type { Context } from '../../context/context.ts';
import { columnOf } from '../../resolvers/catalog.ts';
import type { Row } from '../../resolvers/rows.ts';
import { nextStatuses } from '../../resolvers/status-steps.ts';
import { enumType } from './columns.ts';
import type { PrismaFields } from './fields.ts';

/** The field that shows the next steps of a row, for models with a state machine. */
export function stateMachineFields(t: PrismaFields, model: string, status: string | undefined) {
  if (!status) return {};
  return {
    allowedTransitions: t.field({
      type: [enumType(columnOf(model, status).type)],
      nullable: false,
      description: `What ${status} can become next; nothing for a final one. A step may need more than that.`,
      select: { [status]: true } as never,
      resolve: (row: Row, _args: object, context: Context) =>
        nextStatuses(context, model, row[status] as string),
    } as never),
  };
}
