import type { Column } from '../generated/catalog.ts';
import { type Measure, measureColumn } from '../resolvers/measure.ts';
import { filterSql, operandValue } from '../sql/filter.ts';
import { empty, identifier, join, numberLiteral, prepare, type Sql, sql } from '../sql/fragment.ts';
import { addColumn, JsonText } from '../sql/json.ts';
import { MeasureScope, Measures } from '../sql/measure-text.ts';
import { Scopes } from '../sql/scope.ts';
import { Values } from '../sql/values.ts';
import type { Aggregate } from './description.ts';
import { fillingOf } from './fill-text.ts';
import { keyColumn } from './keys.ts';
import { RowInputs } from './row-inputs.ts';
import { type Composition, type ParentValues, RowsText, SIDES } from './rows-text.ts';

/** A statement whose rows are groups, and totals behind them. */
export interface Statement {
  text: string;
  values: unknown[];
}

const DIRECTIONS = { asc: sql`asc`, desc: sql`desc` };
const NULLS = { first: sql`nulls first`, last: sql`nulls last` };

/** Returns the statement for an aggregate, as `aggregateSql` says; of each of the parents, if they are given. */
export function aggregateStatement(
  aggregate: Aggregate,
  parents: ParentValues | null,
  form: Composition['form'] = 'values',
): Statement {
  const composed = aggregateSql(aggregate, {
    values: new Values(),
    scopes: new Scopes(),
    parents,
    within: null,
    form,
  });
  const { text, bind } = prepare(composed);
  return { text, values: bind({}) };
}

/**
 * Returns a query for an aggregate. Its rows have the parent's columns as p0, how many keys are rolled up
 * as `rolled`, the number of groups as `total`, whether the row is on the page as `shown`, as `excess` which
 * key has too many values to be filled, and keys and measures as c0. In the form of text its place follows as
 * `n`, and the keys' values as k0.
 */
export function aggregateSql(aggregate: Aggregate, composition: Composition): Sql {
  return new AggregateText(aggregate, composition).query();
}

class AggregateText {
  readonly #aggregate: Aggregate;
  readonly #composition: Composition;
  readonly #parents: ParentValues | null;
  readonly #values: Values;
  readonly #inputs = new RowInputs();
  readonly #measures: Measures;
  readonly #keys: readonly Sql[];
  readonly #ofParents: readonly Sql[];
  readonly #isFilled: boolean;
  readonly #hasSides: boolean;

  constructor(aggregate: Aggregate, composition: Composition) {
    const { parents, values } = composition;
    this.#aggregate = aggregate;
    this.#composition = composition;
    this.#parents = parents;
    this.#values = values;
    this.#measures = new Measures(aggregate.model, this.#values, this.#inputs);
    this.#keys = aggregate.keys.map((_, n) => identifier(`k${n}`));
    this.#ofParents = (parents?.columns ?? []).map((_, n) => identifier(`p${n}`));
    this.#isFilled = aggregate.keys.some(({ fill }) => fill);
    this.#hasSides = this.#isFilled || aggregate.shift !== null;
  }

  query(): Sql {
    // What is shown asks for measures, these for inputs, and those are read of the rows.
    const cells = this.#cells();
    const numbered = this.#numbered();
    const groups = this.#groups();
    const filling = this.#isFilled ? fillingOf(this.#aggregate, this.#parents, this.#values) : null;
    const rows = this.#rows();
    const grouped = filling ? this.#withFillers(filling.rows) : rows;
    const queries = [
      ...(filling ? [sql`rows as materialized (${rows})`, ...filling.queries] : []),
      sql`groups as (${groups(grouped)})`,
      sql`numbered as (${numbered})`,
    ];
    const columns = [
      ...this.#ofParents.map((p) => sql`${p}::text as ${p}`),
      sql`rolled`,
      sql`total`,
      sql`${this.#isShown()} as shown`,
      sql`${filling?.excess ?? sql`0`} as excess`,
      ...cells,
      ...(this.#composition.form === 'text' ? [sql`n`, ...this.#keys.map((k) => sql`g.${k}`)] : []),
    ];
    const order = [...this.#ofParents.map((p) => sql`g.${p}`), sql`rolled`, sql`n`];
    const shown = sql`select ${join(columns, ', ')} from ${this.#bounded()} g where n = 1 or ${this.#isShown()} order by ${join(order, ', ')}`;
    return sql`with ${join(queries, ', ')} ${shown}`;
  }

  /** Rows of the filter, and those that they are compared with. */
  #rows(): Sql {
    const { shift } = this.#aggregate;
    const text = new RowsText(this.#aggregate, this.#composition, this.#inputs);
    const current = text.current(this.#hasSides ? SIDES.current : null);
    return shift ? sql`${current} union all ${text.previous(shift)}` : current;
  }

  #withFillers(fillers: Sql): Sql {
    const missing = this.#inputs.all.map(() => sql`null`);
    const columns = [sql`f.*`, ...missing, SIDES.filled];
    return sql`select * from rows union all select ${join(columns, ', ')} from (${fillers}) f`;
  }

  /** Whose group is composed last, since only then it is known what it has to select. */
  #groups(): (rows: Sql) => Sql {
    const { totals, keys } = this.#aggregate;
    const names = [...this.#ofParents, ...this.#keys].map((name) => sql`r.${name}`);
    const ofKeys = this.#keys.map((name) => sql`r.${name}`);
    const rolled = totals && keys.length > 0 ? sql`grouping(${join(ofKeys, ', ')})` : sql`0`;
    // Rows to compare with make no groups of their own.
    const isOwn = this.#hasSides
      ? sql`coalesce(bool_or(r.side <> ${SIDES.previous}), false)`
      : sql`true`;
    const columns = [
      ...names,
      sql`${rolled} as rolled`,
      sql`${isOwn} as own`,
      ...this.#measures.selected(),
    ];
    const sets = [
      ...this.#ofParents.map((name) => sql`r.${name}`),
      ...(totals && keys.length > 0 ? [sql`rollup(${join(ofKeys, ', ')})`] : ofKeys),
    ];
    // One group of all rows, also where no measure makes it one.
    const grouping = sets.length > 0 ? join(sets, ', ') : sql`()`;
    return (rows) => sql`select ${join(columns, ', ')} from (${rows}) r group by ${grouping}`;
  }

  #numbered(): Sql {
    const { partition, keys } = this.#aggregate;
    const parents = this.#ofParents.map((p) => sql`g.${p}`);
    const within = partition.map((n) => sql`g.${this.#keys[n] as Sql}`);
    const order = this.#order();
    const place = sql`row_number() over (${by(parents, sql`rolled`, within)}${ordered(order)})`;
    const n = sql`row_number() over (${by(parents)}${ordered([sql`rolled`, ...within, ...order])})`;
    const total = sql`count(*) filter (where rolled = 0) over (${by(parents)})`;
    const having = this.#having();
    const isKept = sql`(own${having ? sql` and ${having}` : empty})`;
    const where = keys.length > 0 ? sql` where rolled > 0 or ${isKept}` : empty;
    return sql`select g.*, ${place} as place, ${n} as n, ${total} as total from groups g${where}`;
  }

  #order(): Sql[] {
    const { orderings, keys } = this.#aggregate;
    const terms = orderings.map(({ by, direction, nulls }) => {
      const e = typeof by === 'number' ? (this.#keys[by] as Sql) : this.#current(by);
      return sql`g.${e} ${DIRECTIONS[direction]} ${NULLS[nulls]}`;
    });
    const ties = keys.map((_, n) => sql`g.${this.#keys[n] as Sql} nulls last`);
    return [...terms, ...ties];
  }

  #having(): Sql | null {
    const { having, compared, model } = this.#aggregate;
    if (!having) return null;
    const scope = new MeasureScope(model, (name) => {
      const measure = compared.get(name);
      if (!measure) throw new TypeError(`Nothing is known of ${name}`);
      return this.#current(measure);
    });
    return filterSql(new Scopes(), scope, having, (comparison, type) =>
      this.#values.add(operandValue(comparison), type),
    );
  }

  #current(measure: Measure): Sql {
    return this.#measures.of(measure, this.#hasSides ? sql`r.side = ${SIDES.current}` : null);
  }

  #isShown(): Sql {
    const { partition, most } = this.#aggregate;
    if (partition.length === 0) return this.#isOnPage();
    return sql`(${this.#isOnPage()} and taken <= ${numberLiteral(most)})`;
  }

  #isOnPage(): Sql {
    const { first, offset } = this.#aggregate;
    const [after, last] = [numberLiteral(offset), numberLiteral(offset + first)];
    return sql`(rolled > 0 and place <= ${numberLiteral(first)} or rolled = 0 and place > ${after} and place <= ${last})`;
  }

  /** The numbered groups; where there are pages of many partitions, with how many come until each. */
  #bounded(): Sql {
    if (this.#aggregate.partition.length === 0) return sql`numbered`;
    const within = by(
      this.#ofParents.map((p) => sql`g.${p}`),
      sql`rolled`,
    );
    const taken = sql`count(*) filter (where ${this.#isOnPage()}) over (${within} order by n)`;
    return sql`(select g.*, ${taken} as taken from numbered g)`;
  }

  /** The keys and measures as the API shows them. */
  #cells(): Sql[] {
    const { model, keys, measures, previous } = this.#aggregate;
    const isText = this.#composition.form === 'text';
    const cell = (column: Column, e: Sql) => {
      // The driver reads JSON with all digits of its numbers.
      if (column.type === 'Json' && !isText) return e;
      const json = new JsonText();
      addColumn(json, column, e, isText ? 'shown' : 'stored');
      return json.toSql();
    };
    const before = sql`r.side = ${SIDES.previous}`;
    const all = [
      ...keys.map((key, n) => cell(keyColumn(key), sql`g.${this.#keys[n] as Sql}`)),
      ...measures.map((each) => cell(measureColumn(model, each), sql`g.${this.#current(each)}`)),
      ...previous.map((each) =>
        cell(measureColumn(model, each), sql`g.${this.#measures.of(each, before)}`),
      ),
    ];
    return all.map((e, n) => sql`${e} as ${identifier(`c${n}`)}`);
  }
}

function by(...columns: readonly (Sql | readonly Sql[])[]): Sql {
  const all = columns.flat();
  return all.length > 0 ? sql`partition by ${join(all, ', ')}` : empty;
}

function ordered(terms: readonly Sql[]): Sql {
  return terms.length > 0 ? sql` order by ${join(terms, ', ')}` : empty;
}
