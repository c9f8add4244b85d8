import './scalars.ts';
import './agents.ts';
import './agents-mutations.ts';
import './alerts.ts';
import './alerts-mutations.ts';
import './billing.ts';
import './campaigns.ts';
import './campaigns-mutations.ts';
import './cohorts.ts';
import './content.ts';
import './experiments.ts';
import './experiments-mutations.ts';
import './gamification.ts';
import './gamification-mutations.ts';
import './intelligence.ts';
import './intelligence-mutations.ts';
import './learning.ts';
import './moves.ts';
import './moves-mutations.ts';
import './nodes.ts';
import './permissions.ts';
import './strategy.ts';
import './viewer.ts';
import './workspace.ts';
import './workspace-mutations.ts';
import { builder } from './builder.ts';

/** The executable schema. */
export const schema = builder.toSchema();
