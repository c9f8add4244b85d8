import { columnOf, modelOf } from '../resolvers/catalog.ts';
import { identifier, join, type Sql, sql } from './fragment.ts';

/** Gives the tables of a statement names of their own. */
export class Scopes {
  #count = 0;

  /** Returns a new scope over the rows of a model. */
  over(model: string): Scope {
    this.#count += 1;
    return new Scope(model, identifier(`t${this.#count}`));
  }
}

/** Rows of a model under a name, and which of their columns are used. */
export class Scope {
  readonly model: string;
  readonly alias: Sql;
  readonly #used = new Set<string>();

  constructor(model: string, alias: Sql) {
    this.model = model;
    this.alias = alias;
  }

  /** A column by its name in the model. */
  column(name: string): Sql {
    const { column } = columnOf(this.model, name);
    this.#used.add(column);
    return sql`${this.alias}.${identifier(column)}`;
  }

  /** The table under the scope's name. */
  get table(): Sql {
    const { schema, table } = modelOf(this.model);
    return sql`${identifier(schema)}.${identifier(table)} ${this.alias}`;
  }

  /** What this scope has to select for another one that reads from it. */
  selectFor(rows: Scope): Sql {
    const columns = [...rows.#used].map((column) => sql`${this.alias}.${identifier(column)}`);
    return columns.length > 0 ? join(columns, ', ') : sql`1`;
  }
}
