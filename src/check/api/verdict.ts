import type { Change, TypeOfChangeType } from '@graphql-inspector/core';
import type { Schemas } from './schemas.ts';

/** Which rule a change is about, and where it is. Without a message, the library's own is shown. */
export interface Verdict {
  rule: string;
  path: string;
  message?: string;
}

/** Decides about one type of change; undefined where it makes no difference, or another change says it. */
export type Judge<Type extends TypeOfChangeType> = (
  meta: Change<Type>['meta'],
  schemas: Schemas,
) => Verdict | undefined;

export type Judges = { [Type in TypeOfChangeType]: Judge<Type> };
