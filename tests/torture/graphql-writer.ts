import { setTimeout as delay } from 'node:timers/promises';
import { type Change, Hand, type Row } from './ledger.ts';
import type { Random } from './random.ts';
import { stepOf, type WriterOptions } from './sql-writer.ts';
import { alerts, campaigns, insights, notifications, type Table } from './tables.ts';
import type { Workspace } from './world.ts';

const MAX_BULK = 10;
const PATIENCE_MS = 20_000;
/** A person has at most 10,000 in an hour, and several writers share a person. */
const MAX_KEYS = 2_000;
/** Codes of errors after which the outcome is unknown. */
const UNSURE = ['SERVICE_UNAVAILABLE', 'TIMEOUT'];

interface Payload {
  id: string | null;
  errors: { message: string }[];
}

interface Mutation {
  /** Its arguments with the types of their variables. */
  call: string;
  selection: string;
  declared: string;
  variables: Record<string, unknown>;
}

/** Sends mutations to any gateway that answers, until it is stopped. */
export class GraphqlWriter {
  readonly #options: WriterOptions;
  readonly #gateways: () => readonly number[];
  readonly #random: Random;
  readonly #hand: Hand;
  #keys = 0;

  constructor(gateways: () => readonly number[], options: WriterOptions) {
    this.#gateways = gateways;
    this.#options = options;
    this.#random = options.random;
    this.#hand = new Hand(options.name, options.random);
  }

  /** Rejects when a mutation is refused. */
  async run(): Promise<void> {
    const { signal, pauseMs } = this.#options;
    while (!signal.aborted) {
      await this.#write();
      await delay(this.#random.around(pauseMs));
    }
  }

  async #write(): Promise<void> {
    const random = this.#random;
    const workspace = random.pick(this.#options.world.workspaces);
    const bulk = random.chance(0.3) ? 1 + random.below(MAX_BULK) : 1;
    const kind = random.next();
    if (kind < 0.15) return this.#notify(workspace);
    const table = random.pick([alerts, alerts, insights, campaigns]);
    if (kind < 0.5) await this.#create(table, workspace, bulk);
    else if (kind < 0.88) await this.#update(table, workspace, bulk);
    else await this.#delete(table, workspace, bulk);
  }

  async #create(table: Table, workspace: Workspace, count: number): Promise<void> {
    const { model, list, titleField, fixed } = table.options;
    const rows = Array.from({ length: count }, () =>
      this.#hand.newRow(table, workspace.id, null, null),
    );
    const inputs = rows.map(({ title, severity }) => ({
      [titleField]: title,
      ...Object.fromEntries(
        Object.entries(fixed).map(([field, [, , value]]) => [field, value.toUpperCase()]),
      ),
      ...(severity ? { severityLevel: severity.toUpperCase() } : {}),
    }));
    await this.#do(workspace, this.#hand.change(rows, 'INSERT'), {
      call: `create${list[0]?.toUpperCase()}${list.slice(1)}(inputs: $inputs)`,
      selection: 'results { id errors { message } }',
      declared: `$inputs: [${model}CreateInput!]!`,
      variables: { inputs },
    });
  }

  async #notify(workspace: Workspace): Promise<void> {
    const person = this.#random.pick(Object.values(workspace.people));
    const row = this.#hand.newRow(notifications, workspace.id, person.personId, null);
    await this.#do(workspace, this.#hand.change([row], 'INSERT'), {
      call: 'sendNotification(userId: $userId, type: MESSAGE, title: $title, message: "Sent.")',
      selection: 'id errors { message }',
      declared: '$userId: UUID!, $title: String!',
      variables: { userId: row.personId, title: row.title },
    });
    // The row belongs to the person, and writers may not change it.
    this.#hand.leave([row]);
  }

  async #update(table: Table, workspace: Workspace, count: number): Promise<void> {
    const rows = this.#hand.some(count, table, workspace.id);
    if (rows.length === 0) return;
    const { model, list } = table.options;
    const number = 1 + Math.max(...rows.map(({ updates }) => updates));
    const step = stepOf(table, rows, this.#random);
    for (const row of rows) {
      row.updates = number;
      if (step) row.steps += 1;
    }
    const input = Object.fromEntries([
      ...table.updated(number, 'fields'),
      ...(step ? [['status', step.toUpperCase()]] : []),
    ]);
    const changes = this.#hand.change(rows, 'UPDATE', number, step !== null);
    const [first] = rows;
    await this.#do(
      workspace,
      changes,
      rows.length === 1
        ? {
            call: `update${model}(id: $id, input: $input)`,
            selection: 'id errors { message }',
            declared: `$id: UUID!, $input: ${model}UpdateInput!`,
            variables: { id: first?.id, input },
          }
        : {
            call: `update${list[0]?.toUpperCase()}${list.slice(1)}(filter: $filter, atMost: ${MAX_BULK}, input: $input)`,
            selection: 'results { id errors { message } }',
            declared: `$filter: ${model}Filter!, $input: ${model}UpdateInput!`,
            variables: { filter: { id: { in: rows.map(({ id }) => id) } }, input },
          },
    );
  }

  async #delete(table: Table, workspace: Workspace, count: number): Promise<void> {
    const rows = this.#hand.some(count, table, workspace.id);
    if (rows.length === 0) return;
    const { model, list } = table.options;
    for (const row of rows) row.mayBeGone = true;
    await this.#do(workspace, this.#hand.change(rows, 'DELETE'), {
      call: `delete${list[0]?.toUpperCase()}${list.slice(1)}(filter: $filter, atMost: ${MAX_BULK})`,
      selection: 'results { id errors { message } }',
      declared: `$filter: ${model}Filter!`,
      variables: { filter: { id: { in: rows.map(({ id }) => id) } } },
    });
  }

  async #do(workspace: Workspace, changes: Change[], mutation: Mutation): Promise<void> {
    const rows = changes.map(({ row }) => row);
    // With a key it takes effect once, however often it is sent.
    const isKeyed = this.#random.chance(0.5) && this.#keys < MAX_KEYS;
    const key = isKeyed ? `${this.#options.name}-${changes[0]?.statement}` : null;
    if (isKeyed) this.#keys += 1;
    const deadline = Date.now() + PATIENCE_MS;
    let payloads: Payload[] | null = null;
    do {
      payloads = await this.#send(workspace, mutation, key);
      if (!payloads) await delay(this.#random.around(100));
    } while (!payloads && key && Date.now() < deadline);
    if (payloads) {
      this.#learnIds(rows, payloads);
      this.#options.ledger.commit(changes);
      this.#hand.keep(rows);
    } else {
      this.#options.ledger.loseTrackOf(changes);
      this.#hand.leave(rows);
    }
  }

  #learnIds(rows: readonly Row[], payloads: readonly Payload[]): void {
    for (const [i, row] of rows.entries()) row.id ??= payloads[i]?.id ?? null;
  }

  /** Returns null if the outcome is unknown. */
  async #send(
    { people }: Workspace,
    { call, selection, declared, variables }: Mutation,
    key: string | null,
  ): Promise<Payload[] | null> {
    const gateways = this.#gateways();
    if (gateways.length === 0) return null;
    const response = await fetch(`http://127.0.0.1:${this.#random.pick(gateways)}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(await people.Owner.headers()),
        ...(key ? { 'idempotency-key': key } : {}),
      },
      body: JSON.stringify({
        query: `mutation (${declared}) { done: ${call} { ${selection} } }`,
        variables,
      }),
    }).catch(() => null);
    const text = await response?.text().catch(() => null);
    if (!text) return null;
    const { data, errors } = JSON.parse(text) as {
      data?: { done: Payload | { results: Payload[] } | null };
      errors?: { extensions?: { code?: string } }[];
    };
    if (errors?.some(({ extensions }) => UNSURE.includes(String(extensions?.code)))) return null;
    if (!data?.done || errors) throw new Error(`${call} was refused: ${text}`);
    const payloads = 'results' in data.done ? data.done.results : [data.done];
    if (payloads.some((payload) => payload.errors.length > 0)) {
      throw new Error(`${call} was refused: ${text}`);
    }
    return payloads;
  }
}
