import type { Rule } from '../finding.ts';

const APPLIED =
  'Clients cannot see it, but the server and the tools that read the schema may behave differently.';

export const directiveRules: readonly Rule[] = [
  {
    id: 'directive-removed',
    severity: 'breaking',
    effect: 'Operations that use the directive are refused.',
    remedy: 'Keep the directive, even if it has no effect any more.',
  },
  {
    id: 'directive-added',
    severity: 'safe',
    effect: 'No client uses the directive yet.',
    remedy: 'Nothing to do.',
  },
  {
    id: 'directive-location-removed',
    severity: 'breaking',
    effect: 'Operations, or schemas of others, that use the directive there are refused.',
    remedy: 'Keep the location, even if the directive has no effect there any more.',
  },
  {
    id: 'directive-location-added',
    severity: 'safe',
    effect: 'No client uses the directive there yet.',
    remedy: 'Nothing to do.',
  },
  {
    id: 'directive-repeatable-removed',
    severity: 'breaking',
    effect: 'Operations that use the directive more than once in one place are refused.',
    remedy: 'Keep it repeatable, and let the last use decide.',
  },
  {
    id: 'directive-repeatable-added',
    severity: 'safe',
    effect: 'Clients use the directive once in a place.',
    remedy: 'Nothing to do.',
  },
  {
    id: 'applied-directive-added',
    severity: 'dangerous',
    effect: APPLIED,
    remedy: 'Check what the directive does there for the operations of today.',
  },
  {
    id: 'applied-directive-removed',
    severity: 'dangerous',
    effect: APPLIED,
    remedy: 'Check what the directive did there for the operations of today.',
  },
  {
    id: 'applied-directive-argument-changed',
    severity: 'dangerous',
    effect: APPLIED,
    remedy: 'Check what the argument does there for the operations of today.',
  },
];
