import { ChangeType as Change } from '@graphql-inspector/core';
import { planted } from './api-case.ts';

/** How values are taken in three places, with the types of change for each. */
const TAKERS = {
  argument: {
    text: (values: string) => `type A { f${values && `(${values})`}: Int }`,
    path: 'A.f(x:)',
    added: Change.FieldArgumentAdded,
    removed: Change.FieldArgumentRemoved,
    type: Change.FieldArgumentTypeChanged,
    default: Change.FieldArgumentDefaultChanged,
  },
  'input-field': {
    text: (values: string) => `input I { other: Int ${values} }`,
    path: 'I.x',
    added: Change.InputFieldAdded,
    removed: Change.InputFieldRemoved,
    type: Change.InputFieldTypeChanged,
    default: Change.InputFieldDefaultValueChanged,
  },
  'directive-argument': {
    text: (values: string) => `directive @d${values && `(${values})`} on FIELD`,
    path: '@d(x:)',
    added: Change.DirectiveArgumentAdded,
    removed: Change.DirectiveArgumentRemoved,
    type: Change.DirectiveArgumentTypeChanged,
    default: Change.DirectiveArgumentDefaultValueChanged,
  },
} as const;

function casesOf(taker: keyof typeof TAKERS) {
  const { text, path, added, removed, type, default: changed } = TAKERS[taker];
  const pair = (before: string, after: string) => [text(before), text(after)] as const;
  return [
    planted(
      removed,
      pair('x: Int', ''),
      ['breaking', `${taker}-removed`, path],
      text('y: Int x: Int'),
    ),
    planted(
      removed,
      pair('x: Int @deprecated', ''),
      ['breaking', `deprecated-${taker}-removed`, path],
      pair('x: Int', ''),
    ),
    planted(
      added,
      pair('', 'x: Int!'),
      ['breaking', `required-${taker}-added`, path],
      text('x: Int! = 1'),
    ),
    planted(
      added,
      pair('', 'x: Int'),
      ['safe', `optional-${taker}-added`, path],
      text('x: Int = 1'),
    ),
    planted(
      added,
      pair('', 'x: Int! = 1'),
      ['dangerous', `${taker}-with-default-added`, path],
      text('x: Int'),
    ),
    planted(
      type,
      pair('x: Int', 'x: String'),
      ['breaking', `${taker}-type-changed`, path],
      pair('x: Int!', 'x: Int'),
    ),
    // A list takes a single value, but no variable of a single value.
    planted(
      type,
      pair('x: Int', 'x: [Int]'),
      ['breaking', `${taker}-type-changed`, path],
      pair('x: [Int!]', 'x: [Int]'),
    ),
    planted(
      type,
      pair('x: [Int]', 'x: [Int!]'),
      ['breaking', `${taker}-made-required`, path],
      pair('x: [Int!]', 'x: [Int]'),
    ),
    planted(
      type,
      pair('x: Int', 'x: Int! = 1'),
      ['breaking', `${taker}-made-required`, path],
      pair('x: Int!', 'x: Int = 1'),
    ),
    planted(
      type,
      pair('x: Int!', 'x: Int'),
      ['safe', `${taker}-made-nullable`, path],
      pair('x: Int', 'x: Int!'),
    ),
    planted(
      changed,
      pair('x: Int! = 1', 'x: Int!'),
      ['breaking', `${taker}-default-removed`, path],
      pair('x: Int = 1', 'x: Int'),
    ),
    planted(
      changed,
      pair('x: Int = 1', 'x: Int!'),
      ['breaking', `${taker}-default-removed`, path],
      pair('x: Int! = 1', 'x: Int'),
    ),
    planted(
      changed,
      pair('x: Int = 1', 'x: Int = 2'),
      ['dangerous', `${taker}-default-changed`, path],
      pair('x: Float = 1', 'x: Float = 1.0'),
    ),
    planted(
      changed,
      pair('x: Int = 1', 'x: Int'),
      ['dangerous', `${taker}-default-changed`, path],
      pair('x: Int! = 1', 'x: Int!'),
    ),
    planted(
      changed,
      pair('x: Int', 'x: Int = 1'),
      ['dangerous', `${taker}-default-changed`, path],
      pair('x: Int!', 'x: Int! = 1'),
    ),
    planted(
      changed,
      pair('x: [Int] = [1, 2]', 'x: [Int] = [2, 1]'),
      ['dangerous', `${taker}-default-changed`, path],
      text('x: [Int] = [1 2]'),
    ),
    planted(
      changed,
      pair('x: Int!', 'x: Int! = 1'),
      ['safe', `${taker}-default-added`, path],
      pair('x: Int', 'x: Int = 1'),
    ),
    planted(
      null,
      pair('x: Int', 'x: Int @deprecated(reason: "Use y")'),
      ['safe', 'deprecation-added', path],
      text('x: Int y: Int @deprecated'),
    ),
    planted(
      null,
      pair('x: Int @deprecated', 'x: Int'),
      ['safe', 'deprecation-removed', path],
      text('x: Int @deprecated(reason: "Use y")'),
    ),
    planted(
      null,
      pair('x: Int @deprecated', 'x: Int @deprecated(reason: "Use y")'),
      ['safe', 'deprecation-reason-changed', path],
      text('x: Int'),
    ),
  ];
}

const ONE_OF = 'input I @oneOf { a: Int b: Int }';
const ANY_OF = 'input I { a: Int b: Int }';

export const valueCases = [
  ...casesOf('argument'),
  ...casesOf('input-field'),
  ...casesOf('directive-argument'),
  planted(
    Change.FieldArgumentDescriptionChanged,
    ['type A { f("One" x: Int): Int }', 'type A { f("Two" x: Int): Int }'],
    ['safe', 'description-changed', 'A.f(x:)'],
    'type A { f("""One""" x: Int): Int }',
  ),
  planted(
    Change.InputFieldDescriptionChanged,
    ['input I { "One" x: Int }', 'input I { "Two" x: Int }'],
    ['safe', 'description-changed', 'I.x'],
    'input I { """One""" x: Int }',
  ),
  planted(
    Change.InputFieldDescriptionAdded,
    ['input I { x: Int }', 'input I { "One" x: Int }'],
    ['safe', 'description-changed', 'I.x'],
    'input I { x: Int "One" y: Int }',
  ),
  planted(
    Change.InputFieldDescriptionRemoved,
    ['input I { "One" x: Int }', 'input I { x: Int }'],
    ['safe', 'description-changed', 'I.x'],
    'input I { "One" x: Int y: Int }',
  ),
  planted(
    Change.DirectiveArgumentDescriptionChanged,
    ['directive @d("One" x: Int) on FIELD', 'directive @d("Two" x: Int) on FIELD'],
    ['safe', 'description-changed', '@d(x:)'],
    'directive @d("""One""" x: Int) on FIELD',
  ),
  planted(null, [ANY_OF, ONE_OF], ['breaking', 'one-of-added', 'I'], ['', ONE_OF]),
  planted(null, [ONE_OF, ANY_OF], ['safe', 'one-of-removed', 'I'], ONE_OF),
];
