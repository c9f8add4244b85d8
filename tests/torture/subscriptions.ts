import { type Change, keyOf, SEVERITIES } from './ledger.ts';
import type { Random } from './random.ts';
import { alerts, campaigns, insights, notifications, rowOf, type Table } from './tables.ts';
import type { Reader } from './world.ts';

/** Whether a change must, may or must not be delivered. */
export type Verdict = 'must' | 'may' | 'never';

/** A subscription, and the committed changes that it must deliver. */
export interface Kind {
  name: string;
  field: string;
  table: Table;
  /** Its filter, as a literal. */
  filter?: (random: Random) => { text: string; severity?: string };
  verdict(change: Change, lasting: Lasting): Verdict;
  /** Whether the last delivered state of each row is the final one. */
  converges?: true;
}

/** What is known of a row, which is read later than its change. */
interface Lasting {
  /** Whether it is certain that the row stayed. */
  stays: boolean;
  /** Whether the row's status is certain to have stayed as it was at first. */
  stepless: boolean;
}

const created = ({ operation }: Change, { stays }: Lasting): Verdict => {
  if (operation !== 'INSERT') return 'never';
  // A row that is deleted before it is read is not delivered.
  return stays ? 'must' : 'may';
};

/** All changes; those of a deleted row as LEFT. */
const any = (change: Change, lasting: Lasting): Verdict =>
  change.operation === 'INSERT' ? created(change, lasting) : 'must';

const ofAll = (table: Table): Kind => ({
  name: table.options.changed,
  field: table.options.changed,
  table,
  verdict: any,
  converges: true,
});

export const KINDS: readonly Kind[] = [
  { name: 'alertRaised', field: 'alertRaised', table: alerts, verdict: created },
  {
    name: 'alertRaised of a severity',
    field: 'alertRaised',
    table: alerts,
    filter: (random) => {
      const severity = random.pick(SEVERITIES);
      return { text: `{ severityLevel: { equals: ${severity.toUpperCase()} } }`, severity };
    },
    verdict: created,
  },
  {
    name: 'alertChanged',
    field: 'alertChanged',
    table: alerts,
    verdict: ({ operation, isStep }) => (operation === 'UPDATE' && isStep ? 'must' : 'never'),
  },
  {
    name: 'systemAlertChanged while active',
    field: 'systemAlertChanged',
    table: alerts,
    filter: () => ({ text: '{ status: { equals: ACTIVE } }' }),
    verdict: (change, lasting) => {
      if (change.operation === 'DELETE') return 'must';
      if (change.isStep) return 'must';
      // Before or after the step that removed it: it depends on when it was read.
      return lasting.stays && lasting.stepless ? 'must' : 'may';
    },
    converges: true,
  },
  ofAll(alerts),
  { name: 'insightPublished', field: 'insightPublished', table: insights, verdict: created },
  ofAll(insights),
  ofAll(campaigns),
  {
    name: 'notificationReceived',
    field: 'notificationReceived',
    table: notifications,
    verdict: created,
  },
  ofAll(notifications),
];

interface Result {
  data?: Record<string, Delivered | null> | null;
  errors?: { message: string; extensions?: { code?: string } }[];
}

interface Delivered {
  operation: 'CREATED' | 'UPDATED' | 'DELETED' | 'LEFT';
  nodeId: string;
  changedColumns: string[];
  cursor: string;
  node: Record<string, unknown> | null;
}

const OPERATIONS = {
  CREATED: 'INSERT',
  UPDATED: 'UPDATE',
  LEFT: 'UPDATE',
  DELETED: 'DELETE',
} as const;
/** Codes after which the same subscription may be tried again. */
const TRANSIENT = ['SERVICE_UNAVAILABLE', 'TIMEOUT', 'UNAUTHENTICATED'];

/** A reader's subscription over all its connections: what it received, and where it resumes. */
export class Subscription {
  readonly kind: Kind;
  readonly reader: Reader;
  readonly query: string;
  cursor: string;
  /** Keys of received changes, in order. */
  readonly received: string[] = [];
  /** Problems that the received changes do not show. */
  readonly problems: string[] = [];
  /** The last received state of each row; null if it was deleted or left. */
  readonly rows = new Map<string, string | null>();
  readonly #severity: string | null;
  #hasFailed = false;
  readonly #others: readonly string[];

  /** `others` are texts that nobody in the reader's workspace may see. */
  constructor(kind: Kind, reader: Reader, cursor: string, random: Random, others: string[]) {
    const { text, severity = null } = kind.filter?.(random) ?? { text: null };
    const filter = text ? `, filter: ${text}` : '';
    this.kind = kind;
    this.reader = reader;
    this.cursor = cursor;
    this.#severity = severity;
    this.#others = others;
    this.query = `subscription ($after: String) { change: ${kind.field}(after: $after${filter}) {
      operation nodeId changedColumns cursor node { ${fieldsOf(kind.table).join(' ')} }
    } }`;
  }

  get name(): string {
    return `${this.kind.name} for ${this.reader.name}`;
  }

  get variables(): { after: string } {
    return { after: this.cursor };
  }

  /** Takes the text of a result. */
  take(text: string): void {
    const foreign = this.#others.find((other) => text.includes(other));
    if (foreign) this.problems.push(`Foreign: ${foreign} in ${text}`);
    const { data, errors } = JSON.parse(text) as Result;
    if (errors) {
      this.fail(errors);
      return;
    }
    const change = data?.change;
    if (!change) {
      this.problems.push(`A result without data: ${text}`);
      return;
    }
    const { table, id } = rowOf(change.nodeId);
    const number = table?.updateOf(change.changedColumns, 'fields') ?? 0;
    this.received.push(keyOf(id, OPERATIONS[change.operation], number));
    this.rows.set(id, change.node && JSON.stringify(change.node));
    this.cursor = change.cursor;
    this.#hasFailed = false;
  }

  /** Notes errors that are not temporary; only the end follows. */
  fail(errors: Result['errors'] & object): void {
    this.#hasFailed = true;
    if (!errors.every(({ extensions }) => TRANSIENT.includes(String(extensions?.code)))) {
      this.problems.push(`Refused: ${JSON.stringify(errors)}`);
    }
  }

  /** Notes that the server ended it, which needs a reason. */
  end(): void {
    if (!this.#hasFailed) this.problems.push('Completed without a reason.');
    this.#hasFailed = false;
  }

  /** Whether the change must be delivered, once the fate of its row is known. */
  verdict(change: Change): Verdict {
    const { row } = change;
    const isTheirs =
      row.table === this.kind.table &&
      row.workspaceId === this.reader.workspaceId &&
      (row.personId === null || row.personId === this.reader.personId) &&
      (this.#severity === null || row.severity === this.#severity);
    if (!isTheirs) return 'never';
    return this.kind.verdict(change, { stays: !row.mayBeGone, stepless: row.steps === 0 });
  }
}

/** The selection of a row: its id, its title and the columns that writers change. */
export function fieldsOf({ options }: Table): string[] {
  const status = options === alerts.options ? ['status'] : [];
  return ['id', options.titleField, ...options.bits.map(([, field]) => field), ...status];
}
