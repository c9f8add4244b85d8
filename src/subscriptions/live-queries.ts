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
import { liveDirective } from '../schema/live-directive.ts';
import { mentionsLiveCursor } from '../schema/model/live-cursor-field.ts';
import type { Access, ActiveSubscription, Usage } from './access.ts';
import { type Audience, audienceOf, mayReceive } from './group-audience.ts';
import { type Executor, executeLiveQuery, type Operation } from './group-execution.ts';
import { type GroupEntry, GroupRegistry, groupKey } from './group-registry.ts';
import { assertKeptVariables } from './kept-variables.ts';
import { LiveGroup, LiveMember } from './live-group.ts';
import { LiveResult } from './live-result.ts';
import type { createAnalyzer } from './operation-analysis.ts';
import type { Reads } from './reads.ts';
import { attachOrRefuse, type ResultStream, type Sink, type StreamEnd } from './result-stream.ts';
import { Subscriber } from './subscriber.ts';
import type { SubscriptionMetrics } from './subscription-metrics.ts';

/** Four executions a second. */
const INTERVAL_MS = 250;
/** Executions side by side: a change that concerns all groups must not keep requests waiting. */
const EXECUTIONS_AT_ONCE = 8;

export interface LiveQueriesOptions {
  executor: Executor;
  access: Access;
  metrics: SubscriptionMetrics;
  analysisOf: ReturnType<typeof createAnalyzer>;
  /** Resolves when access has been checked for all changes that were read so far. */
  settled(): Promise<void>;
  /** What an execution failed with. */
  onError(error: unknown): void;
}

/** What a client asked for. */
interface Request {
  operation: Operation;
  isPatched: boolean;
  /** The group's key without the audience. */
  key: string;
  isPersonal: boolean;
  reads: Reads;
}

type Entry = GroupEntry<LiveGroup, Request>;

interface LiveSubscription extends ActiveSubscription {
  audience: Audience;
  readonly member: LiveMember;
  /** Its own at first, then the one that its group shares. */
  request: Request;
  /** Stops counting it. */
  readonly release: Release;
  /** Null until its access has been checked. */
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
  /** By workspace, null for those outside. */
  readonly #groups: GroupRegistry<Entry, string | null>;

  constructor(options: LiveQueriesOptions) {
    this.#options = options;
    this.#groups = new GroupRegistry(options.metrics);
  }

  /**
   * Returns the stream of a live query. Throws BAD_USER_INPUT for fields that cannot be live, and
   * TOO_MANY_SUBSCRIPTIONS.
   */
  open(args: ExecutionArgs): ResultStream {
    const request = this.#requestOf(args);
    const context = args.contextValue as Context;
    this.#options.access.assertRoom(usageOf(context, request));
    return { attach: (sink) => attachOrRefuse(sink, () => this.#attach(sink, context, request)) };
  }

  /** Executes those again whose result may have changed with these changes. */
  wake(changes: readonly Change[]): void {
    for (const change of changes) {
      const { workspaceId } = change;
      const concerned = workspaceId === null ? this.#groups.all() : this.#groups.of(workspaceId);
      for (const { group, audience, request } of concerned) {
        if (request.reads.includes(change.model) && mayReceive(audience, change)) group.wake();
      }
    }
  }

  #requestOf(args: ExecutionArgs): Request {
    const { document, operationName, variableValues } = args;
    const definition = getOperationAST(document, operationName) as OperationDefinitionNode;
    const analysis = this.#options.analysisOf(document, definition);
    const variables = variableValues ?? {};
    const reads = analysis.reads(variables);
    if (mentionsLiveCursor(document)) throw notLive('liveCursor', 'it is kept up to date itself');
    if (reads.memberships)
      throw notLive('memberships', 'those of other workspaces are not followed');
    const json = JSON.stringify(variables);
    assertKeptVariables(json);
    const text = JSON.stringify([analysis.text, operationName ?? null, json]);
    return {
      operation: {
        document,
        operationName: operationName ?? undefined,
        variableValues: variables,
      },
      isPatched: optionsOf(args)?.patch === true,
      // Documents are long, and there are many groups.
      key: createHash('sha256').update(text).digest('base64'),
      isPersonal: analysis.isPersonal(variables),
      reads,
    };
  }

  #attach(sink: Sink, context: Context, request: Request): () => void {
    const { access } = this.#options;
    const { viewer, session } = context;
    const release = access.take(usageOf(context, request));
    const subscriber = new Subscriber(sink, (reason) => this.#leave(subscription, reason));
    const subscription: LiveSubscription = {
      subscriber,
      viewer,
      session,
      audience: audienceOf(context, request.isPersonal),
      member: new LiveMember(subscriber),
      request,
      release,
      entry: null,
      move: (role) => this.#move(subscription, role),
    };
    access.add(subscription);
    if (access.isStale(context)) {
      void access.recheck([subscription]).then(() => this.#join(subscription));
    } else {
      this.#join(subscription);
    }
    return () => subscriber.end(null);
  }

  #join(subscription: LiveSubscription): void {
    if (subscription.subscriber.gone) {
      subscription.release();
      return;
    }
    const entry = this.#entryOf(subscription.request, subscription.audience);
    subscription.entry = entry;
    subscription.request = entry.request;
    entry.group.join(subscription.member);
  }

  /** The first result of the new group is compared with the last one of the old group. */
  #move(subscription: LiveSubscription, role: MemberRole): void {
    const { viewer, session, audience, request, entry, member } = subscription;
    const workspace = audience.workspace && { id: audience.workspace.id, role };
    subscription.audience = audienceOf({ viewer, session, workspace }, request.isPersonal);
    if (!entry) return;
    this.#join(subscription);
    entry.group.leave(member);
  }

  #leave(subscription: LiveSubscription, reason: StreamEnd | null): void {
    this.#options.access.delete(subscription, reason);
    // Until it may join, its access is being read.
    if (!subscription.entry) return;
    subscription.entry.group.leave(subscription.member);
    subscription.release();
  }

  async #execute(
    { operation, isPatched }: Request,
    audience: Audience,
    unwanted: Stop,
  ): Promise<LiveResult> {
    const { executor, metrics, settled, onError } = this.#options;
    metrics.liveExecutions.inc();
    try {
      const result = await executeLiveQuery(executor, audience, operation, unwanted);
      await settled();
      return new LiveResult(result, isPatched);
    } catch (error) {
      onError(error);
      throw error;
    }
  }

  #entryOf(request: Request, audience: Audience): Entry {
    const topic = audience.workspace?.id ?? null;
    const execute = (unwanted: Stop) =>
      this.#turns.take(async () =>
        unwanted.reason ? null : this.#execute(request, audience, unwanted),
      );
    return this.#groups.get(groupKey(request, audience), topic, (events) => ({
      audience,
      request,
      group: new LiveGroup(INTERVAL_MS, execute, events),
    }));
  }
}

function usageOf(context: Context, request: Request): Usage {
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
