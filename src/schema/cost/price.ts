/** The price of a field, in points. */
export interface Price {
  /** Once, for any number of rows: its statements. */
  once?: number;
  /** For each row on which it is selected. */
  each?: number;
  /** Number of rows below it for each row on which it is selected. Default: one. */
  rows?: number;
  /** Prices of fields below that depend on this field's arguments, by name. */
  below?: Readonly<Record<string, Price>>;
}

export type Arguments = Readonly<Record<string, unknown>>;

/** Returns the price for these arguments, and for a selection of these fields. */
export type PriceOf = (args: Arguments, selected: ReadonlySet<string>) => Price;

/** The field option with its price. A field without one costs as much as a value. */
export function priced(price: Price | PriceOf) {
  return { extensions: { price } };
}

/** Returns the price that `priced` gave a field. */
export function priceIn(
  extensions: Readonly<Record<string, unknown>>,
): Price | PriceOf | undefined {
  return extensions.price as Price | PriceOf | undefined;
}
