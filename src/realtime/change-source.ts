import type { Change, LoggedOperation } from './change.ts';

/** The changes that a subscription is made of. */
export interface SourceOptions {
  model: string;
  operations: readonly LoggedOperation[];
  /** Where an update counts only if it changed this column. */
  changedColumn?: string;
  /** The cursor to resume from, as the client sent it. */
  after?: string | null;
}

/**
 * What a subscription's `subscribe` returns. It is never iterated over: equal subscriptions share one
 * execution for each change, with a `ChangeEvent` as its root value.
 */
export class ChangeSource implements AsyncIterable<never> {
  readonly model: string;
  readonly after: string | null;
  readonly #operations: readonly LoggedOperation[];
  readonly #changedColumn: string | undefined;

  constructor({ model, operations, changedColumn, after }: SourceOptions) {
    this.model = model;
    this.after = after ?? null;
    this.#operations = operations;
    this.#changedColumn = changedColumn;
  }

  /** Whether the subscription is about this change. */
  includes({ model, operation, changedColumns }: Change): boolean {
    return (
      model === this.model &&
      this.#operations.includes(operation) &&
      (operation !== 'UPDATE' ||
        this.#changedColumn === undefined ||
        changedColumns.includes(this.#changedColumn))
    );
  }

  [Symbol.asyncIterator](): never {
    throw new TypeError('A change source is executed for its group, not iterated over');
  }
}

/** A change on its way to a group of subscribers: the root value of their operation. */
export class ChangeEvent {
  readonly change: Change;
  readonly #cursorAfter: (change: Change) => string;
  #skipped = false;

  constructor(change: Change, cursorAfter: (change: Change) => string) {
    this.change = change;
    this.#cursorAfter = cursorAfter;
  }

  /** The cursor with which a client resumes behind this change. */
  get cursor(): string {
    return this.#cursorAfter(this.change);
  }

  /** Delivers nothing: the change does not match, or the group may not see it. */
  skip(): void {
    this.#skipped = true;
  }

  get skipped(): boolean {
    return this.#skipped;
  }
}
