import { createHash } from 'node:crypto';
import {
  type ExecutionArgs,
  getDirectiveValues,
  getOperationAST,
  getVariableValues,
  type OperationDefinitionNode,
} from 'graphql';
import type { Context } from '../context/context.ts';
import { GatewayError } from '../context/errors.ts';
import type { Release } from '../context/quotas.ts';
import type { Stop } from '../context/stop.ts';
import type { MemberRole } from '../generated/prisma/enums.ts';
import type { Change } from '../realtime/change.ts';
import { Turns } from '../realtime/turns.ts';
import { liveDirective } from '../schema/live.ts';
import { mentionsLiveCursor } from '../schema/model/live-cursor.ts';
import type { Admission, Seat, Wish } from './access.ts';
import { Subscriber } from './group.ts';
import { type Audience, audienceOf, mayBeTold } from './group-audience.ts';
import { type Executor, executeQuery, type Operation } from './group-execution.ts';
import { groupKey } from './groups.ts';
import { assertKeptVariables } from './kept-variables.ts';
import { LiveGroup, LivePlace } from './live-group.ts';
import { LiveResult } from './live-result.ts';
import type { createPlanner } from './operation-plan.ts';
import type { Reads } from './reads.ts';
import { attachOrRefuse, type ResultStream, type Sink, type StreamEnd } from './result-stream.ts';
import type { SubscriptionMetrics } from './subscription-metrics.ts';

/** Four executions a second. */
const INTERVAL_MS = 250;
/** Executions side by side: a change that concerns all groups must not keep requests waiting. */
const EXECUTIONS_AT_ONCE = 8;

export interface LiveQueriesOptions {
  executor: Executor;
  admission: Admission;
  metrics: SubscriptionMetrics;
  planOf: ReturnType<typeof createPlanner>;
  /** Resolves when those have been ended or moved whom what was read so far concerns. */
  settled(): Promise<void>;
  /** What an execution failed with. */
  onError(error: unknown): void;
}

/** What a client asked for. */
interface Request {
  operation: Operation;
  isPatched: boolean;
  /** Of the group's key, all but the audience. */
  key: string;
  isPersonal: boolean;
  reads: Reads;
}

/** What a group is made of; those who ask for the same share it. */
interface Entry {
  group: LiveGroup;
  audience: Audience;
  /** Of the first of them; the same to all. */
  request: Request;
}

/** Who asked for what, and where it is told that now; `entry` is null until it may be told. */
interface LiveSeat extends Seat {
  audience: Audience;
  readonly place: LivePlace;
  /** Its own at first, then the one that its group shares. */
  request: Request;
  /** Gives back what it is counted for. */
  readonly release: Release;
  entry: Entry | null;
}

/** Whether an operation is a query that its client wants to be answered again and again. */
export function isLive(args: ExecutionArgs): boolean {
  return optionsOf(args)?.if === true;
}

/** Serves all live queries of this process. */
export class LiveQueries {
  readonly #options: LiveQueriesOptions;
  readonly #turns = new Turns(EXECUTIONS_AT_ONCE);
  readonly #entries = new Map<string, Entry>();
  /** By workspace, null for those outside. */
  readonly #listening = new Map<string | null, Set<Entry>>();

  constructor(options: LiveQueriesOptions) {
    this.#options = options;
  }

  /**
   * Returns the stream of a live query. Throws BAD_USER_INPUT for what cannot be kept up to date, and
   * TOO_MANY_SUBSCRIPTIONS.
   */
  open(args: ExecutionArgs): ResultStream {
    const request = this.#requestOf(args);
    const context = args.contextValue as Context;
    this.#options.admission.assertRoom(wishOf(context, request));
    return { attach: (sink) => attachOrRefuse(sink, () => this.#attach(sink, context, request)) };
  }

  /** Has those executed again whose result these changes may have altered. */
  wake(changes: readonly Change[]): void {
    if (this.#entries.size === 0) return;
    for (const change of changes) {
      const { workspaceId } = change;
      const concerned =
        workspaceId === null ? this.#entries.values() : this.#listening.get(workspaceId);
      for (const { group, audience, request } of concerned ?? []) {
        if (request.reads.includes(change.model) && mayBeTold(change, audience)) group.wake();
      }
    }
  }

  #requestOf(args: ExecutionArgs): Request {
    const { document, operationName, variableValues } = args;
    const definition = getOperationAST(document, operationName) as OperationDefinitionNode;
    const plan = this.#options.planOf(document, definition);
    const variables = variableValues ?? {};
    const reads = plan.reads(variables);
    if (mentionsLiveCursor(document)) throw notLive('liveCursor', 'it is kept up to date itself');
    if (reads.memberships)
      throw notLive('memberships', 'those of other workspaces are not followed');
    const json = JSON.stringify(variables);
    assertKeptVariables(json);
    const text = JSON.stringify([plan.text, operationName ?? null, json]);
    return {
      operation: {
        document,
        operationName: operationName ?? undefined,
        variableValues: variables,
      },
      isPatched: optionsOf(args)?.patch === true,
      // Documents are long, and there are many groups.
      key: createHash('sha256').update(text).digest('base64'),
      isPersonal: plan.isPersonal(variables),
      reads,
    };
  }

  #attach(sink: Sink, context: Context, request: Request): () => void {
    const { admission } = this.#options;
    const { viewer, session } = context;
    const release = admission.takePlace(wishOf(context, request));
    const subscriber = new Subscriber(sink, (reason) => this.#leave(seat, reason));
    const seat: LiveSeat = {
      subscriber,
      viewer,
      session,
      audience: audienceOf(context, request.isPersonal),
      place: new LivePlace(subscriber),
      request,
      release,
      entry: null,
      move: (role) => this.#move(seat, role),
    };
    admission.enter(seat);
    if (admission.isStale(context)) void admission.readmit([seat]).then(() => this.#join(seat));
    else this.#join(seat);
    return () => subscriber.end(null);
  }

  #join(seat: LiveSeat): void {
    if (seat.subscriber.gone) {
      seat.release();
      return;
    }
    seat.entry = this.#entryOf(seat.request, seat.audience);
    seat.request = seat.entry.request;
    seat.entry.group.join(seat.place);
  }

  /** What the old group was told last is what the first result of the new one is compared with. */
  #move(seat: LiveSeat, role: MemberRole): void {
    const { viewer, session, audience, request, entry, place } = seat;
    const workspace = audience.workspace && { id: audience.workspace.id, role };
    seat.audience = audienceOf({ viewer, session, workspace }, request.isPersonal);
    if (!entry) return;
    this.#join(seat);
    entry.group.leave(place);
  }

  #leave(seat: LiveSeat, reason: StreamEnd | null): void {
    this.#options.admission.leave(seat, reason);
    // Until it may join, what decides that is being read for it.
    if (!seat.entry) return;
    seat.entry.group.leave(seat.place);
    seat.release();
  }

  async #execute(
    { operation, isPatched }: Request,
    audience: Audience,
    unwanted: Stop,
  ): Promise<LiveResult> {
    const { executor, metrics, settled, onError } = this.#options;
    metrics.liveExecutions.inc();
    try {
      const result = await executeQuery(executor, audience, operation, unwanted);
      await settled();
      return new LiveResult(result, isPatched);
    } catch (error) {
      onError(error);
      throw error;
    }
  }

  #entryOf(request: Request, audience: Audience): Entry {
    const key = groupKey(request, audience);
    const found = this.#entries.get(key);
    if (found) return found;
    const { metrics } = this.#options;
    const place = audience.workspace?.id ?? null;
    const entry: Entry = {
      audience,
      request,
      group: new LiveGroup(INTERVAL_MS, {
        execute: (unwanted) =>
          this.#turns.take(async () =>
            unwanted.reason ? null : this.#execute(request, audience, unwanted),
          ),
        onDelivered: (clients, payload) => metrics.delivered(clients, payload),
        onEmpty: () => {
          if (this.#entries.get(key) === entry) this.#entries.delete(key);
          const here = this.#listening.get(place);
          here?.delete(entry);
          if (here?.size === 0) this.#listening.delete(place);
          metrics.groups.dec();
        },
      }),
    };
    this.#entries.set(key, entry);
    this.#listening.set(place, (this.#listening.get(place) ?? new Set()).add(entry));
    metrics.groups.inc();
    return entry;
  }
}

function wishOf(context: Context, request: Request): Wish {
  const audience = audienceOf(context, request.isPersonal);
  return { context, resource: 'live-queries', group: groupKey(request, audience) };
}

/** The values of `@live`; null for an operation without, and for one whose variables are wrong. */
function optionsOf(args: ExecutionArgs): { if?: unknown; patch?: unknown } | null {
  const { schema, document, operationName, variableValues } = args;
  const operation = getOperationAST(document, operationName);
  if (!operation?.directives?.length) return null;
  const definitions = operation.variableDefinitions ?? [];
  const { coerced } = getVariableValues(schema, definitions, variableValues ?? {});
  return coerced ? (getDirectiveValues(liveDirective, operation, coerced) ?? null) : null;
}

function notLive(field: string, reason: string): GatewayError {
  return new GatewayError('BAD_USER_INPUT', `A live query has no "${field}": ${reason}.`, {
    argument: field,
  });
}
