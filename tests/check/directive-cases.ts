import { ChangeType as Change } from '@graphql-inspector/core';
import { planted } from './api-case.ts';

/** A directive for everything in a schema, applied to one thing in it. */
const DEFINITION =
  'directive @d(x: Int) repeatable on SCHEMA | SCALAR | OBJECT | FIELD_DEFINITION | ARGUMENT_DEFINITION | INTERFACE | UNION | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION';

interface Applied {
  /** The text before the directive, and the one after it. */
  around: readonly [string, string];
  path: string;
  added: Parameters<typeof planted>[0];
  removed: Parameters<typeof planted>[0];
}

const APPLIED: readonly Applied[] = [
  {
    around: ['type A ', '{ b: Int }'],
    path: 'A.@d',
    added: Change.DirectiveUsageObjectAdded,
    removed: Change.DirectiveUsageObjectRemoved,
  },
  {
    around: ['interface A ', '{ b: Int }'],
    path: 'A.@d',
    added: Change.DirectiveUsageInterfaceAdded,
    removed: Change.DirectiveUsageInterfaceRemoved,
  },
  {
    around: ['type A { b: Int ', '}'],
    path: 'A.b.@d',
    added: Change.DirectiveUsageFieldDefinitionAdded,
    removed: Change.DirectiveUsageFieldDefinitionRemoved,
  },
  {
    around: ['type A { b(c: Int ', '): Int }'],
    path: 'A.b(c:).@d',
    added: Change.DirectiveUsageArgumentDefinitionAdded,
    removed: Change.DirectiveUsageArgumentDefinitionRemoved,
  },
  {
    around: ['type A { b: Int } union U ', '= A'],
    path: 'U.@d',
    added: Change.DirectiveUsageUnionMemberAdded,
    removed: Change.DirectiveUsageUnionMemberRemoved,
  },
  {
    around: ['enum E ', '{ A }'],
    path: 'E.@d',
    added: Change.DirectiveUsageEnumAdded,
    removed: Change.DirectiveUsageEnumRemoved,
  },
  {
    around: ['enum E { A ', '}'],
    path: 'E.A.@d',
    added: Change.DirectiveUsageEnumValueAdded,
    removed: Change.DirectiveUsageEnumValueRemoved,
  },
  {
    around: ['input I ', '{ b: Int }'],
    path: 'I.@d',
    added: Change.DirectiveUsageInputObjectAdded,
    removed: Change.DirectiveUsageInputObjectRemoved,
  },
  {
    around: ['input I { b: Int ', '}'],
    path: 'I.b.@d',
    added: Change.DirectiveUsageInputFieldDefinitionAdded,
    removed: Change.DirectiveUsageInputFieldDefinitionRemoved,
  },
  {
    around: ['scalar S ', ''],
    path: 'S.@d',
    added: Change.DirectiveUsageScalarAdded,
    removed: Change.DirectiveUsageScalarRemoved,
  },
  {
    around: ['type Query { a: Int } schema ', '{ query: Query }'],
    path: 'schema.@d',
    added: Change.DirectiveUsageSchemaAdded,
    removed: Change.DirectiveUsageSchemaRemoved,
  },
];

const appliedCases = APPLIED.flatMap(({ around: [front, back], path, added, removed }) => {
  const text = (directive: string) => `${DEFINITION} ${front}${directive}${back}`;
  return [
    planted(
      added,
      [text(''), text('@d ')],
      ['dangerous', 'applied-directive-added', path],
      [text('@d '), text('@d(x: 1) ')],
    ),
    planted(
      removed,
      [text('@d '), text('')],
      ['dangerous', 'applied-directive-removed', path],
      [text('@d(x: 1) '), text('@d ')],
    ),
  ];
});

const applied = (directive: string) => `${DEFINITION} type A { b: Int ${directive} }`;
const directive = (text: string) => `directive @d ${text}`;

export const directiveCases = [
  ...appliedCases,
  planted(
    Change.DirectiveUsageArgumentAdded,
    [applied('@d'), applied('@d(x: 1)')],
    ['dangerous', 'applied-directive-argument-changed', 'A.b.@d(x:)'],
    // The directive is new with its argument.
    [applied(''), applied('@d(x: 1)')],
  ),
  planted(
    Change.DirectiveUsageArgumentRemoved,
    [applied('@d(x: 1)'), applied('@d(x: 2)')],
    ['dangerous', 'applied-directive-argument-changed', 'A.b.@d(x:)'],
    applied('@d( x : 1 )'),
  ),
  planted(
    Change.DirectiveRemoved,
    [directive('on FIELD'), ''],
    ['breaking', 'directive-removed', '@d'],
    directive('on FIELD | QUERY'),
  ),
  planted(
    Change.DirectiveAdded,
    ['', directive('on FIELD')],
    ['safe', 'directive-added', '@d'],
    '# directive @d on FIELD',
  ),
  planted(
    Change.DirectiveDescriptionChanged,
    [`"One" ${directive('on FIELD')}`, `"Two" ${directive('on FIELD')}`],
    ['safe', 'description-changed', '@d'],
    `"""One""" ${directive('on FIELD')}`,
  ),
  planted(
    Change.DirectiveRepeatableRemoved,
    [directive('repeatable on FIELD'), directive('on FIELD')],
    ['breaking', 'directive-repeatable-removed', '@d'],
    directive('repeatable on FIELD | QUERY'),
  ),
  planted(
    Change.DirectiveRepeatableAdded,
    [directive('on FIELD'), directive('repeatable on FIELD')],
    ['safe', 'directive-repeatable-added', '@d'],
    ['', directive('repeatable on FIELD')],
  ),
  planted(
    Change.DirectiveLocationRemoved,
    [directive('on FIELD | QUERY'), directive('on FIELD')],
    ['breaking', 'directive-location-removed', '@d.QUERY'],
    directive('on QUERY | FIELD'),
  ),
  planted(
    Change.DirectiveLocationAdded,
    [directive('on FIELD'), directive('on FIELD | QUERY')],
    ['safe', 'directive-location-added', '@d.QUERY'],
    ['', directive('on FIELD | QUERY')],
  ),
];
