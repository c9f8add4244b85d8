/** What a field costs, in points. */
export interface Price {
  /** For what is done once, however many rows ask for the field: its statements. */
  once?: number;
  /** For each row that asks for it. */
  each?: number;
  /** How many rows there are below it for each row that asks for it. Default: one. */
  rows?: number;
  /** Prices of fields below that depend on this field's arguments, by name. */
  below?: Readonly<Record<string, Price>>;
}

export type Arguments = Readonly<Record<string, unknown>>;

/** Returns the price for these arguments, and for a selection of these fields. */
export type PriceOf = (args: Arguments, selected: ReadonlySet<string>) => Price;

/** The option of a field that says what it costs. Columns and the like cost what a value does. */
export function priced(price: Price | PriceOf) {
  return { extensions: { price } };
}

/** Returns what `priced` said of a field. */
export function priceIn(
  extensions: Readonly<Record<string, unknown>>,
): Price | PriceOf | undefined {
  return extensions.price as Price | PriceOf | undefined;
}
