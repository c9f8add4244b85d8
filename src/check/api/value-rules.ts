import type { Rule } from '../finding.ts';

/** The rules about one kind of value that clients send. */
function rulesOf(id: string, name: string): Rule[] {
  return [
    {
      id: `${id}-removed`,
      severity: 'breaking',
      effect: `Operations that send the ${name} are refused.`,
      remedy: 'Keep it and deprecate it with a reason and a date. The server may ignore it.',
    },
    {
      id: `deprecated-${id}-removed`,
      severity: 'breaking',
      effect: `Operations that still send the ${name} are refused.`,
      remedy: 'Make sure that no client sends it any more, then approve the removal.',
    },
    {
      id: `required-${id}-added`,
      severity: 'breaking',
      effect: 'All operations of today are refused, because they do not send it.',
      remedy: 'Make it nullable, or give it a default value.',
    },
    {
      id: `optional-${id}-added`,
      severity: 'safe',
      effect: 'Clients that do not send it see no difference.',
      remedy: 'Nothing to do.',
    },
    {
      id: `${id}-with-default-added`,
      severity: 'dangerous',
      effect: 'Clients that do not send it get what the default value means.',
      remedy: 'Choose the default so that it means what happened before.',
    },
    {
      id: `${id}-type-changed`,
      severity: 'breaking',
      effect: `Operations that send the ${name} with a value or a variable of the old type are refused.`,
      remedy: `Add another ${name} with the new type, and deprecate this one.`,
    },
    {
      id: `${id}-made-required`,
      severity: 'breaking',
      effect: 'Operations that leave it out, send null or a nullable variable are refused.',
      remedy: 'Keep it nullable, and treat null as before.',
    },
    {
      id: `${id}-made-nullable`,
      severity: 'safe',
      effect: 'Clients that send a value see no difference.',
      remedy: 'Nothing to do.',
    },
    {
      id: `${id}-default-removed`,
      severity: 'breaking',
      effect: 'Operations that relied on the default are refused: it is required now.',
      remedy: 'Keep the default, or make it nullable.',
    },
    {
      id: `${id}-default-changed`,
      severity: 'dangerous',
      effect: 'Clients that do not send it get another behavior without any error.',
      remedy: `Keep the default, and add another ${name} for the new behavior.`,
    },
    {
      id: `${id}-default-added`,
      severity: 'safe',
      effect: 'It is no longer required; all clients of today send it.',
      remedy: 'Nothing to do.',
    },
  ];
}

export const valueRules: readonly Rule[] = [
  ...rulesOf('argument', 'argument'),
  ...rulesOf('input-field', 'input field'),
  ...rulesOf('directive-argument', 'argument of the directive'),
  {
    id: 'one-of-added',
    severity: 'breaking',
    effect: 'Operations that send several fields of the input, or none, are refused.',
    remedy: 'Add another input type, and deprecate what takes this one.',
  },
  {
    id: 'one-of-removed',
    severity: 'safe',
    effect: 'Clients that send exactly one field see no difference.',
    remedy: 'Nothing to do.',
  },
];
