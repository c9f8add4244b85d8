/** Returns the value below which this share of the numbers is; NaN for none. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Returns the middle one of the numbers, or the mean of the two in the middle; NaN for none. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((one, other) => one - other);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

/**
 * Returns the median of the ratios of each round's figures: what slows a
 * whole round down does not affect it. NaN if there is nothing to compare.
 */
export function medianRatio(numbers: readonly number[], others: readonly number[]): number {
  const rounds = Math.min(numbers.length, others.length);
  return median(
    Array.from({ length: rounds }, (_, round) => (numbers[round] ?? 0) / (others[round] ?? 0)),
  );
}
