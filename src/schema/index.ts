import './scalars.ts';
import './agents.ts';
import './alerts.ts';
import './billing.ts';
import './campaigns.ts';
import './cohorts.ts';
import './content.ts';
import './experiments.ts';
import './gamification.ts';
import './intelligence.ts';
import './learning.ts';
import './moves.ts';
import './nodes.ts';
import './strategy.ts';
import './viewer.ts';
import './workspace.ts';
import { builder } from './builder.ts';

/** The executable schema. */
export const schema = builder.toSchema();
