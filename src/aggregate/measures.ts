import type { Column } from '../generated/catalog.ts';
import { columnOf } from '../resolvers/catalog.ts';
import { readFilter } from '../resolvers/conditions.ts';
import { empty, identifier, join, type Sql, sql } from '../sql/fragment.ts';
import type { Values } from '../sql/values.ts';
import { type Measure, measureKey, type Statistic } from './description.ts';
import { anonymous, STATISTICS, type StatisticKind, statisticKind } from './kinds.ts';
import type { RowInputs } from './row-inputs.ts';

const COUNT = anonymous('Int');

/** Returns the type of a measure. Throws TypeError for one that the column does not have. */
export function measureColumn(model: string, measure: Measure): Column {
  if (measure.kind === 'count' || measure.kind === 'distinct') return COUNT;
  const kind = measure.kind === 'between' ? 'Float' : kindOf(model, measure.column);
  const { statistic } = measure;
  const type = STATISTICS[kind][typeof statistic === 'string' ? statistic : 'percentile'];
  if (!type) throw new TypeError(`${model} has no such statistic: ${measureKey(measure)}`);
  return type;
}

function kindOf(model: string, column: string): StatisticKind {
  const kind = statisticKind(columnOf(model, column));
  if (!kind) throw new TypeError(`${model}.${column} has no statistics`);
  return kind;
}

/** Composes the measures of groups, each of them once. */
export class Measures {
  readonly #model: string;
  readonly #values: Values;
  readonly #inputs: RowInputs;
  readonly #known = new Map<string, { name: Sql; text: Sql }>();

  constructor(model: string, values: Values, inputs: RowInputs) {
    this.#model = model;
    this.#values = values;
    this.#inputs = inputs;
  }

  /** Returns the name of a measure over the rows that `among` is true of; all, if it is null. */
  of(measure: Measure, among: Sql | null = null): Sql {
    const key = `${among?.sql ?? ''} ${measureKey(measure)}`;
    let found = this.#known.get(key);
    if (!found) {
      found = { name: identifier(`m${this.#known.size}`), text: this.#text(measure, among) };
      this.#known.set(key, found);
    }
    return found.name;
  }

  /** What a statement has to select for all measures that were asked for. */
  selected(): Sql[] {
    return [...this.#known.values()].map(({ name, text }) => sql`${text} as ${name}`);
  }

  #text(measure: Measure, among: Sql | null): Sql {
    const inputs = this.#inputs;
    switch (measure.kind) {
      case 'count': {
        const filter = readFilter(this.#model, measure.filter);
        const matching = filter && inputs.of({ kind: 'filter', filter });
        return sql`count(*)${only(matching, among)}`;
      }
      case 'distinct':
        return sql`count(distinct ${this.#column(measure.column)})${only(among)}`;
      case 'statistic': {
        const kind = kindOf(this.#model, measure.column);
        return this.#statistic(kind, this.#column(measure.column), measure.statistic, among);
      }
      case 'between': {
        const seconds = inputs.of({ kind: 'seconds', from: measure.from, to: measure.to });
        return this.#statistic('Float', seconds, measure.statistic, among);
      }
    }
  }

  #column(column: string): Sql {
    return this.#inputs.of({ kind: 'column', column });
  }

  #statistic(kind: StatisticKind, e: Sql, statistic: Statistic, among: Sql | null): Sql {
    if (typeof statistic === 'object') return this.#percentile(kind, e, statistic, among);
    const exact = kind === 'BigInt' || kind === 'Decimal';
    const filter = only(among);
    switch (statistic) {
      case 'share':
        return sql`(count(*)${only(e, among)}::float8 / nullif(count(${e})${filter}, 0))`;
      case 'sum':
        return sql`sum(${e})${filter}`;
      case 'avg':
        return exact ? sql`avg(${e})${filter}` : sql`avg(${e}::float8)${filter}`;
      case 'stddev':
        return exact ? sql`stddev_samp(${e})${filter}` : sql`stddev_samp(${e}::float8)${filter}`;
      case 'min':
        return sql`min(${e})${filter}`;
      case 'max':
        return sql`max(${e})${filter}`;
    }
  }

  #percentile(
    kind: StatisticKind,
    e: Sql,
    { percentile }: { percentile: number },
    among: Sql | null,
  ): Sql {
    const exact = kind === 'BigInt' || kind === 'Decimal';
    if (!exact) {
      const at = this.#values.add(String(percentile), sql`float8`);
      return sql`percentile_cont(${at}) within group (order by ${e}::float8)${only(among)}`;
    }
    // percentile_cont knows doubles only. The expressions that are equal here are computed once.
    const at = this.#values.add(String(percentile), sql`numeric`);
    const all = sql`(array_agg(${e}::numeric order by ${e})${only(sql`${e} is not null`, among)})`;
    const place = sql`(${at} * (cardinality(${all}) - 1))`;
    const below = sql`${all}[1 + floor(${place})::int]`;
    const above = sql`${all}[1 + ceil(${place})::int]`;
    return sql`(${below} + (${above} - ${below}) * (${place} - floor(${place})))`;
  }
}

function only(...conditions: readonly (Sql | null)[]): Sql {
  const given = conditions.filter((condition) => condition !== null);
  return given.length > 0 ? sql` filter (where ${join(given, ' and ')})` : empty;
}
