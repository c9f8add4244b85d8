import type { Result } from './verify.ts';

/** Returns the results as a table, with the first problems of each failed check under it. */
export function formatResults(results: readonly Result[], problemsShown: number): string {
  const idWidth = Math.max(...results.map(({ id }) => id.length));
  const foundWidth = Math.max(...results.map(({ found }) => found.length));
  const lines: string[] = [];
  let group = '';
  for (const result of results) {
    if (result.group !== group) {
      group = result.group;
      lines.push('', group);
    }
    const { id, title, passed, found } = result;
    const status = passed ? 'PASS' : 'FAIL';
    lines.push(`  ${status}  ${id.padEnd(idWidth)}  ${found.padEnd(foundWidth)}  ${title}`);
    lines.push(...explain(result, problemsShown));
  }
  const failed = results.filter(({ passed }) => !passed).length;
  const summary = failed
    ? `${failed} of ${results.length} checks failed.`
    : `All ${results.length} checks passed.`;
  return `${[...lines.slice(1), '', summary].join('\n')}\n`;
}

function explain({ problems, remedy }: Result, shown: number): string[] {
  if (problems.length === 0) return [];
  const hidden = problems.length - shown;
  return [
    ...problems.slice(0, shown).map((problem) => `          - ${problem}`),
    ...(hidden > 0 ? [`          - and ${hidden} more (--all shows them)`] : []),
    ...(remedy ? [`          What to do: ${remedy}`] : []),
  ];
}
