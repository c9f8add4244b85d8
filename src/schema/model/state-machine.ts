import { columnOf } from '../../resolvers/catalog.ts';
import { nextStatuses } from '../../resolvers/status-steps.ts';
import type { AnyFields } from './any-model.ts';
import { enumType } from './columns.ts';

/** The field that shows the next steps of a row, for models with a state machine. */
export function stateMachineFields(t: AnyFields, model: string, status: string | undefined) {
  if (!status) return {};
  return {
    allowedTransitions: t.field({
      type: [enumType(columnOf(model, status).type)],
      nullable: false,
      description: `The next possible values of ${status}; none for a final one. A step may have further conditions.`,
      select: { [status]: true },
      resolve: (row, _args, context) => nextStatuses(context, model, row[status] as string),
    }),
  };
}
