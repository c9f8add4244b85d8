/** One entry of a header such as `accept`. */
export interface Range {
  /** In lower case: `text/html`, `gzip`, `*`. */
  value: string;
  /** By name in lower case, without quotes. */
  parameters: ReadonlyMap<string, string>;
  /** From 0 (not acceptable) to 1. */
  quality: number;
}

/** Returns the entries of a header, in order. A missing header has none. */
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
 * Returns the offer that the client prefers, or null if none is acceptable. Ties go to the entry that
 * the client listed first; with `isOrdered: false`, to the first offer.
 */
export function preferred<Offer extends string>(
  ranges: readonly Range[],
  offers: readonly Offer[],
  isOrdered = true,
): Offer | null {
  const candidates = offers.flatMap((offer) => {
    // The most specific entry wins over wildcards.
    const place = [offer, `${offer.split('/', 1)[0]}/*`, '*/*', '*']
      .map((value) => ranges.findIndex((range) => range.value === value))
      .find((index) => index !== -1);
    const quality = place === undefined ? 0 : (ranges[place]?.quality ?? 0);
    return place !== undefined && quality > 0 ? [{ offer, quality, place }] : [];
  });
  candidates.sort((a, b) => b.quality - a.quality || (isOrdered ? a.place - b.place : 0));
  return candidates[0]?.offer ?? null;
}
