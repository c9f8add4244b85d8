import type { Answer } from '../server/support/gateway.ts';
import { type Plan, type PlanPair, type Request, visitAnswer } from './plan.ts';
import { CANARY } from './rows.ts';
import type { FuzzWorld } from './world.ts';

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const MOMENT = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)/g;
const CANARY_LETTERS = new RegExp(CANARY, 'i');

/** A leak in two answers to one operation. */
export interface Finding {
  kind: 'canary' | 'foreign id' | 'difference' | 'our mistake';
  detail: string;
}

/** A finding, and the operations that show it. */
export interface Found {
  finding: Finding;
  plans: PlanPair;
}

/** Compares answers with each other, and looks for forbidden values. */
export class Comparison {
  readonly #secrets: ReadonlyMap<string, string>;
  readonly #known: Set<string>;
  readonly #begun = new Date().toISOString();

  constructor({ secrets, ids, workspaceId, otherWorkspaceId, stranger }: FuzzWorld) {
    const all = [...ids.values()].flatMap(({ ours, theirs, shared }) => [ours, theirs, shared]);
    this.#secrets = secrets;
    this.#known = new Set([...all.flat(), workspaceId, otherWorkspaceId, stranger]);
  }

  /** What an answer contains of the other workspace. */
  leak(sent: readonly Request[], { text }: Answer): Finding | undefined {
    // Cursors and node ids contain texts.
    const plain = `${text} ${disguisedIn(text)}`;
    const canary = CANARY_LETTERS.exec(plain);
    if (canary) {
      return {
        kind: 'canary',
        detail: plain.slice(Math.max(0, canary.index - 100), canary.index + 50),
      };
    }
    const asked = JSON.stringify(sent);
    const known = `${asked} ${disguisedIn(asked)}`;
    const foreign = plain.match(UUID)?.find((id) => this.#secrets.has(id) && !known.includes(id));
    return foreign
      ? { kind: 'foreign id', detail: `${this.#secrets.get(foreign)} ${foreign}` }
      : undefined;
  }

  /** The difference between two answers that should be equal. */
  difference(plan: Plan, whole: Answer, alone: Answer): Finding | undefined {
    const failed = [whole, alone].find(({ text }) => text.includes('INTERNAL_SERVER_ERROR'));
    if (failed) return { kind: 'our mistake', detail: failed.text.slice(0, 1_000) };
    const [left, right] = [this.#comparable(plan, whole), this.#comparable(plan, alone)];
    if (left === right) return undefined;
    const at = [...left].findIndex((letter, n) => letter !== right[n]);
    const part = (text: string) => text.slice(Math.max(0, at - 200), at + 200);
    return { kind: 'difference', detail: `whole: ${part(left)}\nalone: ${part(right)}` };
  }

  /** The answer as text, without what differs with every request. */
  #comparable(plan: Plan, { status, text }: Answer): string {
    const { data, errors }: { data?: unknown; errors?: object[] } = JSON.parse(text);
    visitAnswer(plan.fields, data, ({ name, key, fields }, value, holder) => {
      if (name === 'liveCursor') holder[key] = 'sealed';
      else if (name === 'history') {
        visitAnswer(fields, value, (inner, _, page) => {
          if (/cursor$/i.test(inner.name) && page[inner.key]) page[inner.key] = 'sealed';
        });
      } else if (typeof value === 'string' && /cursor$|^nodeId$/i.test(name)) {
        holder[key] = decoded(value);
      }
    });
    // Fields are executed concurrently, and fail in any order.
    const sorted = errors?.map((error) => JSON.stringify(error)).sort();
    const whole = JSON.stringify({ status, data, errors: sorted });
    return plan.operation === 'query' ? whole : this.#withoutNews(whole);
  }

  /** Replaces the ids that a write made by numbers, and its times by a constant. */
  #withoutNews(text: string): string {
    const numbers = new Map<string, number>();
    return text
      .replace(MOMENT, (moment) => (moment >= this.#begun ? 'now' : moment))
      .replace(UUID, (id) => {
        if (this.#known.has(id)) return id;
        const number = numbers.get(id) ?? numbers.size + 1;
        numbers.set(id, number);
        return `new ${number}`;
      });
  }
}

function disguisedIn(text: string): string {
  return (text.match(/[\w+/-]{16,}=*/g) ?? []).map(decoded).join(' ');
}

function decoded(text: string): string {
  return Buffer.from(text, 'base64').toString();
}
