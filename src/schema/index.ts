import './scalars.ts';
import './agents.ts';
import './agents-mutations.ts';
import './agents-subscriptions.ts';
import './alerts.ts';
import './alerts-mutations.ts';
import './alerts-subscriptions.ts';
import './billing.ts';
import './campaigns.ts';
import './campaigns-mutations.ts';
import './campaigns-subscriptions.ts';
import './cohorts.ts';
import './content.ts';
import './experiments.ts';
import './experiments-mutations.ts';
import './gamification.ts';
import './gamification-mutations.ts';
import './gamification-subscriptions.ts';
import './intelligence.ts';
import './intelligence-mutations.ts';
import './intelligence-subscriptions.ts';
import './learning.ts';
import './moves.ts';
import './moves-mutations.ts';
import './nodes.ts';
import './permissions.ts';
import './strategy.ts';
import './viewer.ts';
import './workspace.ts';
import './workspace-mutations.ts';
import { specifiedDirectives } from 'graphql';
import { builder } from './builder.ts';
import { liveDirective } from './live.ts';

/** The executable schema. */
export const schema = builder.toSchema({
  directives: [...specifiedDirectives, liveDirective],
});
