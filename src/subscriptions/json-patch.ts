import { createPatch, type Operation, type Pointer } from 'rfc6902';

/** Largest number of pairs of items that are compared to find what two lists have in common. */
const MAX_PAIRS = 250_000;

/**
 * Returns the operations of RFC 6902 that make one JSON value of another. Lists are compared here:
 * the library compares all their items with each other in depth, which takes seconds for hundreds.
 */
export function patchOf(before: unknown, after: unknown): Operation[] {
  return createPatch(before, after, patchList);
}

/** Compares lists; undefined for other values, which the library compares. */
function patchList(before: unknown, after: unknown, at: Pointer): Operation[] | undefined {
  if (!Array.isArray(before) || !Array.isArray(after)) return undefined;
  const path = at.toString();
  // From the end: what comes before is not moved.
  return gapsBetween(before, after)
    .reverse()
    .flatMap(([from, to, otherFrom, otherTo]) => {
      const old = before.slice(from, to);
      const fresh = after.slice(otherFrom, otherTo);
      const kept = Math.min(old.length, fresh.length);
      const added = fresh
        .slice(kept)
        .map((value, i): Operation => ({ op: 'add', path: `${path}/${from + kept + i}`, value }));
      const removed = old
        .slice(kept)
        .map((): Operation => ({ op: 'remove', path: `${path}/${from + kept}` }));
      const changed = fresh.slice(0, kept).flatMap((value, i) =>
        patchOf(old[i], value).map((operation) => ({
          ...operation,
          path: `${path}/${from + i}${operation.path}`,
        })),
      );
      return [...changed, ...removed, ...added];
    });
}

type Gap = [from: number, to: number, otherFrom: number, otherTo: number];

/** The places where two lists differ, between their common items. */
function gapsBetween(before: readonly unknown[], after: readonly unknown[]): Gap[] {
  const gaps: Gap[] = [];
  let [from, otherFrom] = [0, 0];
  const anchors = commonItems(before.map(textOf), after.map(textOf));
  for (const [to, otherTo] of [...anchors, [before.length, after.length] as const]) {
    if (to > from || otherTo > otherFrom) gaps.push([from, to, otherFrom, otherTo]);
    [from, otherFrom] = [to + 1, otherTo + 1];
  }
  return gaps;
}

const textOf = (value: unknown) => JSON.stringify(value);

/** Returns the places, in both lists, of a longest common sequence. */
function commonItems(a: readonly string[], b: readonly string[]): (readonly [number, number])[] {
  const common: (readonly [number, number])[] = [];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) {
    common.push([start, start]);
    start += 1;
  }
  const tail: (readonly [number, number])[] = [];
  let [n, m] = [a.length, b.length];
  while (n > start && m > start && a[n - 1] === b[m - 1]) {
    n -= 1;
    m -= 1;
    tail.unshift([n, m]);
  }
  const width = m - start + 1;
  if ((n - start) * (m - start) > MAX_PAIRS) return [...common, ...tail];
  // The length of the longest common sequence from here on in both lists.
  const lengths = new Uint32Array((n - start + 1) * width);
  const at = (i: number, j: number) => (i - start) * width + (j - start);
  for (let i = n - 1; i >= start; i -= 1) {
    for (let j = m - 1; j >= start; j -= 1) {
      lengths[at(i, j)] =
        a[i] === b[j]
          ? (lengths[at(i + 1, j + 1)] as number) + 1
          : Math.max(lengths[at(i + 1, j)] as number, lengths[at(i, j + 1)] as number);
    }
  }
  for (let [i, j] = [start, start]; i < n && j < m; ) {
    if (a[i] === b[j]) {
      common.push([i, j]);
      i += 1;
      j += 1;
    } else if ((lengths[at(i + 1, j)] as number) >= (lengths[at(i, j + 1)] as number)) i += 1;
    else j += 1;
  }
  return [...common, ...tail];
}
