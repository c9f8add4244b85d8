import { functionMutation } from './model/function-mutation.ts';

functionMutation('startMove', {
  model: 'Move',
  description:
    'Starts a planned move in its observe phase, today (UTC) unless it has a start date.',
  sql: 'start_move',
  args: { id: { parameter: 'move', type: 'UUID', required: true } },
});

functionMutation('logMove', {
  model: 'MoveLog',
  description: 'Adds an entry to the log of a move.',
  sql: 'log_move',
  args: {
    moveId: { parameter: 'move', column: 'moveId', required: true },
    date: { column: 'date', description: 'Today (UTC) unless given.' },
    actionsCompleted: { column: 'actionsCompleted' },
    notes: { column: 'notes' },
    metrics: { column: 'metricsSnapshot' },
  },
});

functionMutation('raiseAnomaly', {
  model: 'MoveAnomaly',
  description: 'Opens an anomaly of a move, detected now.',
  sql: 'raise_anomaly',
  args: {
    moveId: { parameter: 'move', column: 'moveId', required: true },
    type: { column: 'type', required: true },
    severity: { column: 'severity', required: true },
    description: { column: 'description' },
  },
});
