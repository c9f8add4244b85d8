import { columnOf, modelOf } from '../resolvers/catalog.ts';
import { empty, identifier, join, type Sql, sql } from './fragment.ts';

/** Gives the tables of a statement names of their own. */
export class Scopes {
  readonly #prefix: string;
  #count = 0;

  constructor(prefix = 't') {
    this.#prefix = prefix;
  }

  /** Returns a new scope over the rows of a model. */
  over(model: string): Scope {
    return new Scope(model, this.#newName());
  }

  /** Returns a new scope over rows that a subquery under its name will select, as `selectFor` says. */
  selected(model: string): Scope {
    return new Scope(model, this.#newName(), { isSelected: true });
  }

  /** Returns a new scope over rows that the statement has already read under a name, that of `rows`. */
  within(rows: Scope): Scope {
    return new Scope(rows.model, this.#newName(), { rows });
  }

  /** Returns the beginning of names that no other scope of the statement has. */
  newPrefix(): string {
    this.#count += 1;
    return `${this.#prefix}${this.#count}_`;
  }

  #newName(): Sql {
    this.#count += 1;
    return identifier(`${this.#prefix}${this.#count}`);
  }
}

interface ScopeOptions {
  /** Rows that have been read already. */
  rows?: Scope;
  /** Whether a subquery selects its rows, and not the table. */
  isSelected?: boolean;
}

/** Composes the only row of a query, whose column is `value`, for a row of a scope. */
export type ComposeValue = (row: Scope) => Sql;

/** Rows of a model under a name, and which of their columns are used. */
export class Scope {
  readonly model: string;
  readonly alias: Sql;
  readonly #used = new Set<string>();
  readonly #rows: Scope | undefined;
  readonly #isSelected: boolean;
  /** Values that are made of other tables' rows, by their names. */
  readonly #made = new Map<string, ComposeValue>();
  readonly #joins = new Map<string, Sql>();

  constructor(model: string, alias: Sql, { rows, isSelected = false }: ScopeOptions = {}) {
    this.model = model;
    this.alias = alias;
    this.#rows = rows;
    this.#isSelected = isSelected;
  }

  /** A column by its name in the model. */
  column(name: string): Sql {
    return this.#use(columnOf(this.model, name).column);
  }

  /** A value of each row that is computed once, under a name. To be called before `table`. */
  made(name: string, compose: ComposeValue): Sql {
    if (this.#rows) throw new TypeError('Rows that were read have no other values');
    const value = identifier(name);
    this.#made.set(name, compose);
    if (this.#isSelected) return sql`${this.alias}.${value}`;
    if (!this.#joins.has(name)) {
      this.#joins.set(name, sql` left join lateral (${compose(this)}) ${value} on true`);
    }
    return sql`${value}.value`;
  }

  #use(column: string): Sql {
    this.#used.add(column);
    if (this.#rows) this.#rows.#use(column);
    return sql`${this.alias}.${identifier(column)}`;
  }

  /** The table, or what was read of it, under the scope's name, and what is made for its rows. */
  get table(): Sql {
    if (this.#rows) return sql`${this.#rows.alias} ${this.alias}`;
    const { schema, table } = modelOf(this.model);
    const joins = [...this.#joins.values()];
    return sql`${identifier(schema)}.${identifier(table)} ${this.alias}${joins.length > 0 ? join(joins, '') : empty}`;
  }

  /** What this scope has to select for another one that reads from it. */
  selectFor(rows: Scope): Sql {
    const columns = [
      ...[...rows.#used].map((column) => this.#use(column)),
      ...[...rows.#made].map(
        ([name, compose]) => sql`${this.made(name, compose)} as ${identifier(name)}`,
      ),
    ];
    return columns.length > 0 ? join(columns, ', ') : sql`1`;
  }
}
