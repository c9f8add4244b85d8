import type { Rule } from '../finding.ts';

const UNKNOWN_TYPE =
  'Clients that handle only the types they know may receive one that they do not.';
const DEPRECATE_FIRST =
  'Keep it and deprecate it with a reason and a date. Remove it when no client uses it any more.';

export const typeRules: readonly Rule[] = [
  {
    id: 'type-removed',
    severity: 'breaking',
    effect: 'Operations that name the type, in a fragment or for a variable, are refused.',
    remedy: 'Keep the type until no client names it, and deprecate the fields that lead to it.',
  },
  {
    id: 'type-added',
    severity: 'safe',
    effect: 'No client knows the type yet.',
    remedy: 'Nothing to do.',
  },
  {
    id: 'type-kind-changed',
    severity: 'breaking',
    effect: 'Operations that use the type as what it was are refused.',
    remedy: 'Add a type with a new name, and deprecate the fields that lead to the old one.',
  },
  {
    id: 'root-type-removed',
    severity: 'breaking',
    effect: 'All operations of this kind are refused.',
    remedy: 'Keep the type with its fields, and deprecate the fields.',
  },
  {
    id: 'root-type-renamed',
    severity: 'breaking',
    effect: 'Fragments on the old name are refused, and caches that store it lose its data.',
    remedy: 'Keep the name: clients gain nothing from a new one.',
  },
  {
    id: 'root-type-added',
    severity: 'safe',
    effect: 'No client sends operations of this kind yet.',
    remedy: 'Nothing to do.',
  },
  {
    id: 'interface-added',
    severity: 'dangerous',
    effect: UNKNOWN_TYPE,
    remedy: 'Announce it to the clients that select fields of the interface.',
  },
  {
    id: 'interface-type-added',
    severity: 'dangerous',
    effect: UNKNOWN_TYPE,
    remedy: 'Check that fields which return the interface give it only to clients that ask for it.',
  },
  {
    id: 'interface-removed',
    severity: 'breaking',
    effect: 'Fragments on the interface no longer match the type, or are refused there.',
    remedy: 'Keep the interface until no client has a fragment on it.',
  },
  {
    id: 'union-member-removed',
    severity: 'breaking',
    effect: 'Operations with a fragment on the type are refused where the union is selected.',
    remedy: 'Keep the type in the union, and no longer return it.',
  },
  {
    id: 'union-member-added',
    severity: 'dangerous',
    effect: UNKNOWN_TYPE,
    remedy: 'Announce it, or return the new type only from a new field.',
  },
  {
    id: 'field-removed',
    severity: 'breaking',
    effect: 'Operations that select the field are refused as a whole.',
    remedy: DEPRECATE_FIRST,
  },
  {
    id: 'deprecated-field-removed',
    severity: 'breaking',
    effect: 'Operations that still select the field are refused as a whole.',
    remedy: 'Make sure that no client selects it any more, then approve the removal.',
  },
  {
    id: 'field-added',
    severity: 'safe',
    effect: 'Clients receive it only if they select it.',
    remedy: 'Nothing to do.',
  },
  {
    id: 'field-type-changed',
    severity: 'breaking',
    effect: 'Clients that select the field read another kind of value, or are refused.',
    remedy: 'Add a field with the new type, and deprecate this one.',
  },
  {
    id: 'field-made-nullable',
    severity: 'breaking',
    effect: 'Clients that rely on a value fail at the first null.',
    remedy: 'Keep it non-null with a default, or add a nullable field and deprecate this one.',
  },
  {
    id: 'field-made-non-null',
    severity: 'safe',
    effect: 'Clients that expect a null no longer get one.',
    remedy: 'Be sure that there is always a value: an error now also makes the parent null.',
  },
  {
    id: 'enum-value-removed',
    severity: 'breaking',
    effect: 'Operations that send the value are refused, and typed clients no longer compile.',
    remedy: DEPRECATE_FIRST,
  },
  {
    id: 'deprecated-enum-value-removed',
    severity: 'breaking',
    effect: 'Operations that still send the value are refused.',
    remedy: 'Make sure that no client sends it any more, then approve the removal.',
  },
  {
    id: 'enum-value-added',
    severity: 'dangerous',
    effect: 'Clients that list all values, such as in a switch, may receive one they do not know.',
    remedy: 'Announce it. Return it only where clients asked for it, until they know it.',
  },
  {
    id: 'scalar-specified-by-changed',
    severity: 'dangerous',
    effect: 'Clients that read or write the scalar by its specification may fail on other values.',
    remedy: 'If the format of values changes, add a scalar with a new name.',
  },
  {
    id: 'scalar-specified-by-added',
    severity: 'safe',
    effect: 'Clients can look the format up.',
    remedy: 'Nothing to do.',
  },
  {
    id: 'deprecation-added',
    severity: 'safe',
    effect: 'Clients are warned, and work as before.',
    remedy: 'Say in the reason what to use instead, and until when.',
  },
  {
    id: 'deprecation-removed',
    severity: 'safe',
    effect: 'Clients are no longer warned.',
    remedy: 'Nothing to do.',
  },
  {
    id: 'deprecation-reason-changed',
    severity: 'safe',
    effect: 'Clients read another reason.',
    remedy: 'Nothing to do.',
  },
  {
    id: 'description-changed',
    severity: 'safe',
    effect: 'Only the documentation differs.',
    remedy: 'Nothing to do.',
  },
];
