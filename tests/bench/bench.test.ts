import { expect, test } from 'vitest';
import { difference, normalized } from '../../bench/compare-answers.ts';
import { median, medianRatio, quantile } from '../../bench/statistics.ts';
import { parsePs, parseStat } from '../../bench/usage.ts';

test('computes medians and quantiles', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([10, 1, 2, 4])).toBe(3);
  expect(median([])).toBeNaN();
  const hundred = Array.from({ length: 100 }, (_, n) => 100 - n);
  expect([quantile(hundred, 0.5), quantile(hundred, 0.99), quantile([7], 0.99)]).toEqual([
    51, 100, 7,
  ]);
});

test('computes the ratio of values measured in the same round', () => {
  // The second round was slow for both.
  expect(medianRatio([200, 20, 300], [100, 10, 100])).toBe(2);
  expect(medianRatio([1, 2], [])).toBeNaN();
});

test('treats answers as equal if only the format of enums, timestamps and decimals differs', () => {
  const one = normalized(
    '{"data":{"alerts":[{"status":"ACTIVE","createdAt":"2026-06-01T12:00:00.500Z","budgetAllocation":"25"}]}}',
  );
  const other = normalized(
    '{"data":{"alerts":[{"status":"active","createdAt":"2026-06-01T12:00:00.500000+00:00","budgetAllocation":"25.0"}]}}',
  );
  expect(difference(one, other)).toBeNull();
});

test('reports the path and the values where two answers differ', () => {
  const answer = (title: string) =>
    normalized(`{"data":{"alerts":[{"title":"a"},{"title":"${title}"}]}}`);
  expect(difference(answer('b'), answer('B'))).toBe('data.alerts.1.title: "b" and "B"');
  expect(difference({ a: null }, { a: undefined })).toContain('data.a');
  expect(() => normalized('{"data":null,"errors":[{"message":"no"}]}')).toThrow('no');
});

test("reads a process's CPU and memory usage from Linux's stat file and from ps", () => {
  const stat =
    '4242 (node (a) b) S 17 1 1 0 -1 4194304 9 0 0 0 100 20 3 4 20 0 11 0 555 1000000 250 18446744073709551615';
  expect(parseStat(stat)).toEqual({ pid: 4242, parent: 17, cpuMs: 1_270, rssBytes: 1_024_000 });
  expect(parseStat('')).toBeNull();
  expect(parsePs('  4242    17  1000   1:02.50')).toEqual({
    pid: 4242,
    parent: 17,
    cpuMs: 62_500,
    rssBytes: 1_024_000,
  });
  expect(parsePs('')).toBeNull();
});
