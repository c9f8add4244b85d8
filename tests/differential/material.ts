import { catalog } from '../../src/generated/catalog.ts';
import { views } from '../contract/cases.ts';
import type { Query } from '../support/database.ts';

/** A cursor of a list, and the order that it belongs to. */
export interface SeenCursor {
  cursor: string;
  orderings: readonly { name: string; direction: string; nulls: string }[];
}

/** In the name of a term whose filter is not known. */
const FILTERED = '#';

const CURSOR = /"(WyJ[\w-]+)"/g;
const CURSORS_OF_A_LIST = 12;
const MOMENT = `to_char(value at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** Values of the database and of answers, which are meaningful in documents. */
export class Material {
  readonly #values: ReadonlyMap<string, readonly string[]>;
  readonly #cursors = new Map<string, SeenCursor[]>();

  private constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  /** Reads values of every column, which `query` must see. */
  static async of(query: Query): Promise<Material> {
    const values = new Map<string, readonly string[]>();
    for (const [model, { schema, table, columns }] of Object.entries(catalog.models)) {
      if (views.has(model)) continue;
      const found = Object.entries(columns).flatMap(([name, { column, type, kind, isList }]) => {
        if (kind === 'enum' || type === 'Json' || type === 'Boolean') return [];
        const each = isList ? `unnest("${column}")` : `"${column}"`;
        const text = type === 'DateTime' ? MOMENT : 'value::text';
        return `select '${name}' as name, array(
          select distinct ${text} from (select ${each} as value from "${schema}"."${table}") as v
          where value is not null order by 1 limit 20) as values`;
      });
      if (found.length === 0) continue;
      const rows = await query<{ name: string; values: string[] }>(found.join(' union all '));
      for (const { name, values: stored } of rows) values.set(`${model}.${name}`, stored);
    }
    return new Material(values);
  }

  /** Stored values of a column, as text. */
  valuesOf(model: string, column: string): readonly string[] {
    return this.#values.get(`${model}.${column}`) ?? [];
  }

  /** Recent cursors of a list. */
  cursorsOf(list: string): readonly SeenCursor[] {
    return this.#cursors.get(list) ?? [];
  }

  /** Any cursors, by list. */
  get lists(): string[] {
    return [...this.#cursors.keys()];
  }

  /** Keeps the cursors of an answer. */
  learn(answer: string): void {
    for (const [, cursor = ''] of answer.matchAll(CURSOR)) {
      const [signature] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as [string];
      const [list = '', order = ''] = signature.split(': ');
      const orderings = order.split(', ').map((each) => {
        const [name = '', direction = '', nulls = ''] = each.split(' ');
        return { name, direction, nulls };
      });
      if (orderings.some(({ name }) => name.includes(FILTERED))) continue;
      const known = this.#cursors.get(list) ?? [];
      known.push({ cursor, orderings });
      this.#cursors.set(list, known.slice(-CURSORS_OF_A_LIST));
    }
  }
}
