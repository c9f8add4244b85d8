import { describe, expect, it, vi } from 'vitest';
import { TimeBudget } from '../../src/context/database/time-budget.ts';

describe('a time budget of 1,000 ms', () => {
  /** Starts (+) and ends (-) statements, and lets milliseconds pass. Returns whether the budget is used up. */
  const isUsedUp = (steps: readonly ('+' | '-' | number)[]) => {
    vi.useFakeTimers();
    try {
      let usedUp = false;
      const budget = new TimeBudget(1_000, () => {
        usedUp = true;
      });
      let running = 0;
      for (const step of steps) {
        if (typeof step === 'number') vi.advanceTimersByTime(step);
        else if (step === '+') budget.start();
        else budget.end();
        if (step === '+') running += 1;
        if (step === '-') running -= 1;
      }
      const result = usedUp;
      // All budgets share one timer, which stops with the last statement.
      for (; running > 0; running -= 1) budget.end();
      vi.advanceTimersByTime(1_000);
      expect(vi.getTimerCount()).toBe(0);
      return result;
    } finally {
      vi.useRealTimers();
    }
  };

  it.each([
    ['one statement just under it', ['+', 999, '-'], false],
    ['one statement over it', ['+', 1_100], true],
    ['one statement that ends just over it', ['+', 1_001, '-'], true],
    ['two statements at once', ['+', '+', 600], true],
    ['two statements, one of which starts later', ['+', 500, '+', 350], true],
    ['two statements, one of which ends earlier', ['+', '+', 400, '-', 199, '-'], false],
    ['pauses between statements', ['+', 300, '-', 9_000, '+', 300, '-', 9_000, '+', 300], false],
    [
      'a statement that starts when the budget is used up',
      ['+', '+', 500, '-', '-', '+', 1, '-'],
      true,
    ],
  ] as const)('%s', (_, steps, expected) => {
    expect(isUsedUp(steps)).toBe(expected);
  });
});
