import type { MutationError } from '../../resolvers/writes/write-errors.ts';
import { builder } from '../builder.ts';

/** Errors of a refused mutation that a client can act on. Every payload has a list of them. */
export const MutationErrorInterface = builder
  .interfaceRef<MutationError>('MutationError')
  .implement({
    description:
      'Why a mutation, or one of its rows, was refused. The concrete type says what to do about it. Nothing of a refused change is kept.',
    resolveType: ({ code }) => TYPE_NAMES[code],
    fields: (t) => ({
      message: t.exposeString('message', {
        nullable: false,
        description: 'A message for people.',
      }),
      path: t.exposeStringList('path', {
        nullable: false,
        description: 'The path of the wrong argument, from the outside in: ["input", "name"].',
      }),
    }),
  });

const TYPE_NAMES: Record<MutationError['code'], string> = {
  VALIDATION: 'ValidationError',
  NOT_FOUND: 'NotFoundError',
  CONFLICT: 'ConflictError',
  FORBIDDEN: 'ForbiddenError',
  INVALID_TRANSITION: 'InvalidTransitionError',
  LIMIT_REACHED: 'LimitReachedError',
};

function errorType<Code extends MutationError['code']>(code: Code, description: string) {
  return builder.objectRef<Extract<MutationError, { code: Code }>>(TYPE_NAMES[code]).implement({
    interfaces: [MutationErrorInterface],
    description,
  });
}

errorType('VALIDATION', 'A value is not acceptable: change it.');
errorType('NOT_FOUND', 'There is no such row that you may see.');
errorType(
  'CONFLICT',
  'The write conflicts with another row, or with another change to this one: read again and decide.',
);
errorType('FORBIDDEN', 'Your role does not allow this.');

const InvalidTransitionError = errorType(
  'INVALID_TRANSITION',
  'The status of the row cannot change to the new one.',
);
builder.objectField(InvalidTransitionError, 'detail', (t) =>
  t.exposeString('detail', { description: 'The statuses that are possible.' }),
);

const LimitReachedError = errorType(
  'LIMIT_REACHED',
  "A limit of the workspace's plan, or one that holds for everybody, is reached.",
);
builder.objectFields(LimitReachedError, (t) => ({
  limit: t.exposeInt('limit', { nullable: false }),
  current: t.exposeInt('current', { nullable: false, description: 'How many there are now.' }),
}));
