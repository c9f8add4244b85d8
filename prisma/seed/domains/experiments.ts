import type { WorkspaceDemo } from '../demo.ts';
import { agentsOf } from '../dictionaries/index.ts';
import { at } from '../random.ts';
import type { Row } from '../writer.ts';

const DAYS = 14;

export function experimentRows(workspace: WorkspaceDemo): Record<string, Row[]> {
  const { demo, story, id, row, random, count } = workspace;
  const numbers = random('experiments');
  return {
    experiments: story.experiments.map((experiment, n) => {
      const [first, second] = experiment.variants;
      const completed = experiment.status === 'completed';
      return {
        id: row('experiments', n),
        workspace_id: id,
        move_id: row('moves', (n * 4) % count(24)),
        hypothesis: experiment.hypothesis,
        variants: [
          { key: 'A', name: first, share: 0.5 },
          { key: 'B', name: second, share: 0.5 },
        ],
        sample_size_per_variant: 2000 + n * 500,
        duration_days: DAYS,
        success_metric: experiment.metric,
        stop_conditions: { unsubscribeRate: 0.015, minimumDays: 3 },
        status: experiment.status,
        winner_variant: completed ? 'A' : null,
        confidence: completed ? numbers.decimal(0.94, 0.99, 3) : null,
        created_at: demo.ago(startOf(n)),
        completed_at: experiment.status === 'running' ? null : demo.ago(startOf(n) - DAYS),
        created_by_agent: n % 2 === 0 ? 'res-message-tester' : at(agentsOf('lord'), n),
      };
    }),
    experiment_results: resultRows(workspace),
    experiment_metadata: story.experiments.flatMap((_, n) => [
      {
        id: row('experiment_metadata', `${n}/audience`),
        workspace_id: id,
        experiment_id: row('experiments', n),
        key: 'audience',
        value: { cohort: at(story.cohorts, n).name, excluded: ['staff'] },
        created_at: demo.ago(startOf(n)),
      },
      {
        id: row('experiment_metadata', `${n}/owner`),
        workspace_id: id,
        experiment_id: row('experiments', n),
        key: 'reviewer',
        value: 'guard-claims-registrar',
        created_at: demo.ago(startOf(n) - 1),
      },
    ]),
  };
}

/** Returns how many days ago an experiment began; the running ones are the youngest. */
function startOf(n: number): number {
  return n === 1 ? 8 : 24 + n * 11;
}

/** Readings of both variants, every third day, closing in on the final values. */
function resultRows({ demo, story, id, row, random }: WorkspaceDemo): Row[] {
  const numbers = random('experiment_results');
  return story.experiments.flatMap((experiment, n) => {
    const readings = experiment.status === 'running' ? 2 : experiment.status === 'failed' ? 1 : 4;
    return Array.from({ length: readings }, (_, reading) =>
      experiment.values.map((value, variant): Row => {
        const noise = reading === readings - 1 ? 1 : numbers.decimal(0.85, 1.15, 3);
        return {
          id: row('experiment_results', `${n}/${reading}/${variant}`),
          workspace_id: id,
          experiment_id: row('experiments', n),
          variant: at(['A', 'B'], variant),
          metric_name: experiment.metric,
          metric_value: Number((value * noise).toFixed(4)),
          sample_size: (reading + 1) * 500 + numbers.int(-20, 20),
          timestamp: demo.ago(startOf(n) - (reading + 1) * 3),
        };
      }),
    ).flat();
  });
}
