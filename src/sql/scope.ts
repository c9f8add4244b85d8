import { columnOf, modelOf } from '../resolvers/catalog.ts';
import { identifier, join, type Sql, sql } from './fragment.ts';

/** Gives the tables of a statement names of their own. */
export class Scopes {
  #count = 0;

  /** Returns a new scope over the rows of a model. */
  over(model: string): Scope {
    return new Scope(model, this.#newName());
  }

  /** Returns a new scope over rows that the statement has already read under a name, that of `rows`. */
  within(rows: Scope): Scope {
    return new Scope(rows.model, this.#newName(), rows);
  }

  #newName(): Sql {
    this.#count += 1;
    return identifier(`t${this.#count}`);
  }
}

/** Rows of a model under a name, and which of their columns are used. */
export class Scope {
  readonly model: string;
  readonly alias: Sql;
  readonly #used = new Set<string>();
  readonly #rows: Scope | undefined;

  constructor(model: string, alias: Sql, rows?: Scope) {
    this.model = model;
    this.alias = alias;
    this.#rows = rows;
  }

  /** A column by its name in the model. */
  column(name: string): Sql {
    return this.#use(columnOf(this.model, name).column);
  }

  #use(column: string): Sql {
    this.#used.add(column);
    if (this.#rows) this.#rows.#use(column);
    return sql`${this.alias}.${identifier(column)}`;
  }

  /** The table, or what was read of it, under the scope's name. */
  get table(): Sql {
    if (this.#rows) return sql`${this.#rows.alias} ${this.alias}`;
    const { schema, table } = modelOf(this.model);
    return sql`${identifier(schema)}.${identifier(table)} ${this.alias}`;
  }

  /** What this scope has to select for another one that reads from it. */
  selectFor(rows: Scope): Sql {
    const columns = [...rows.#used].map((column) => this.#use(column));
    return columns.length > 0 ? join(columns, ', ') : sql`1`;
  }
}
