/** One of the alternatives that a header such as `accept` lists. */
export interface Range {
  /** In lower case: `text/html`, `gzip`, `*`. */
  value: string;
  /** By name in lower case, without quotes. */
  parameters: ReadonlyMap<string, string>;
  /** From 0, which refuses, to 1. */
  quality: number;
}

/** Returns the alternatives of a header in their order; none for a header that was not sent. */
export function readRanges(header: string | null): Range[] {
  return (header ?? '').split(',').flatMap((text) => {
    const [value = '', ...rest] = text.split(';').map((part) => part.trim().toLowerCase());
    if (!value) return [];
    const parameters = new Map(rest.map(readParameter));
    const quality = Number(parameters.get('q') ?? 1);
    return { value, parameters, quality: Number.isNaN(quality) ? 0 : quality };
  });
}

function readParameter(text: string): [name: string, value: string] {
  const [name = '', ...value] = text.split('=');
  return [
    name.trim(),
    value
      .join('=')
      .trim()
      .replace(/^"(.*)"$/, '$1'),
  ];
}

/**
 * Returns the offer that the client likes best, null if it takes none of them. Among equals it is
 * the one that the client names first, or, where clients name them in no particular order, the one
 * that is offered first.
 */
export function preferred<Offer extends string>(
  ranges: readonly Range[],
  offers: readonly Offer[],
  isOrdered = true,
): Offer | null {
  const candidates = offers.flatMap((offer) => {
    // What is said of exactly this offer counts, whatever a wildcard says.
    const place = [offer, `${offer.split('/', 1)[0]}/*`, '*/*', '*']
      .map((value) => ranges.findIndex((range) => range.value === value))
      .find((index) => index !== -1);
    const quality = place === undefined ? 0 : (ranges[place]?.quality ?? 0);
    return place !== undefined && quality > 0 ? [{ offer, quality, place }] : [];
  });
  candidates.sort((a, b) => b.quality - a.quality || (isOrdered ? a.place - b.place : 0));
  return candidates[0]?.offer ?? null;
}
