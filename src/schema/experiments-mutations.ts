import { functionMutation } from './model/function-mutation.ts';

functionMutation('decideExperiment', {
  model: 'Experiment',
  description: 'Completes a running experiment with one of its variants as the winner.',
  sql: 'decide_experiment',
  args: {
    id: { parameter: 'experiment', type: 'UUID', required: true },
    winner: {
      column: 'winnerVariant',
      required: true,
      description: 'The key, id or name of a variant.',
    },
    confidence: { column: 'confidence' },
  },
});
