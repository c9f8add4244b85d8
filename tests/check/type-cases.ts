import { ChangeType as Change } from '@graphql-inspector/core';
import { planted } from './api-case.ts';

const ROOTS = 'type Query { a: Int } type Q { a: Int } type M { a: Int } type N { a: Int }';

export const typeCases = [
  planted(
    Change.SchemaQueryTypeChanged,
    [`${ROOTS} schema { query: Query }`, `${ROOTS} schema { query: Q }`],
    ['breaking', 'root-type-renamed', 'schema.query'],
    `${ROOTS} schema { query: Query mutation: M }`,
  ),
  planted(
    Change.SchemaMutationTypeChanged,
    [`${ROOTS} schema { query: Query mutation: M }`, `${ROOTS} schema { query: Query }`],
    ['breaking', 'root-type-removed', 'schema.mutation'],
    `${ROOTS} schema { mutation: M query: Query }`,
  ),
  planted(
    Change.SchemaSubscriptionTypeChanged,
    [`${ROOTS} schema { query: Query }`, `${ROOTS} schema { query: Query subscription: M }`],
    ['safe', 'root-type-added', 'schema.subscription'],
    [
      `${ROOTS} schema { query: Query subscription: M }`,
      `${ROOTS} schema { query: Query subscription: N }`,
    ],
  ),
  planted(
    Change.TypeRemoved,
    ['type A { b: Int }', ''],
    ['breaking', 'type-removed', 'A'],
    // A built-in scalar that nothing refers to any more.
    ['type A { b: Float }', 'type A { b: Int }'],
  ),
  planted(
    Change.TypeAdded,
    ['', 'type A { b: Int }'],
    ['safe', 'type-added', 'A'],
    '# type A { b: Int }',
  ),
  planted(
    Change.TypeKindChanged,
    ['type A { b: Int }', 'input A { b: Int }'],
    ['breaking', 'type-kind-changed', 'A'],
    'type A { b: Int c: Int }',
  ),
  planted(
    Change.TypeDescriptionChanged,
    ['"One" type A { b: Int }', '"Two" type A { b: Int }'],
    ['safe', 'description-changed', 'A'],
    '"""One""" type A { b: Int }',
  ),
  planted(
    Change.TypeDescriptionAdded,
    ['type A { b: Int }', '"One" type A { b: Int }'],
    ['safe', 'description-changed', 'A'],
    '# One\ntype A { b: Int }',
  ),
  planted(
    Change.TypeDescriptionRemoved,
    ['"One" type A { b: Int }', 'type A { b: Int }'],
    ['safe', 'description-changed', 'A'],
    '"One" type A { b: Int c: Int }',
  ),
  planted(
    Change.ObjectTypeInterfaceAdded,
    [
      'interface I { b: Int } type A { b: Int }',
      'interface I { b: Int } type A implements I { b: Int }',
    ],
    ['dangerous', 'interface-added', 'A.I'],
    'interface I { b: Int } type A { b: Int } type B implements I { b: Int }',
  ),
  planted(
    Change.ObjectTypeInterfaceRemoved,
    [
      'interface I { b: Int } type A implements I { b: Int }',
      'interface I { b: Int } type A { b: Int }',
    ],
    ['breaking', 'interface-removed', 'A.I'],
    [
      'interface I { b: Int } interface J { b: Int } type A implements I & J { b: Int }',
      'interface I { b: Int } interface J { b: Int } type A implements J & I { b: Int }',
    ],
  ),
  planted(
    Change.ObjectTypeInterfaceRemoved,
    [
      'interface I { b: Int } interface J implements I { b: Int }',
      'interface I { b: Int } interface J { b: Int }',
    ],
    ['breaking', 'interface-removed', 'J.I'],
    'interface I { b: Int } interface J implements I { b: Int c: Int }',
  ),
  planted(
    null,
    ['interface I { b: Int }', 'interface I { b: Int } type A implements I { b: Int }'],
    ['dangerous', 'interface-type-added', 'A.I'],
    // All of it is new.
    ['', 'interface I { b: Int } type A implements I { b: Int }'],
  ),
  planted(
    Change.UnionMemberRemoved,
    [
      'type A { b: Int } type B { b: Int } union U = A | B',
      'type A { b: Int } type B { b: Int } union U = A',
    ],
    ['breaking', 'union-member-removed', 'U.B'],
    'type A { b: Int } type B { b: Int } union U = B | A',
  ),
  planted(
    Change.UnionMemberAdded,
    [
      'type A { b: Int } type B { b: Int } union U = A',
      'type A { b: Int } type B { b: Int } union U = A | B',
    ],
    ['dangerous', 'union-member-added', 'U.B'],
    'type A { b: Int } type B { b: Int } union U = A union V = B',
  ),
  planted(
    Change.FieldRemoved,
    ['type A { b: Int c: Int }', 'type A { b: Int }'],
    ['breaking', 'field-removed', 'A.c'],
    'type A { c: Int b: Int }',
  ),
  planted(
    Change.FieldRemoved,
    ['type A { b: Int c: Int @deprecated }', 'type A { b: Int }'],
    ['breaking', 'deprecated-field-removed', 'A.c'],
    ['type A { b: Int c: Int }', 'type A { b: Int }'],
  ),
  planted(
    Change.FieldAdded,
    ['type A { b: Int }', 'type A { b: Int c: Int }'],
    ['safe', 'field-added', 'A.c'],
    // It is new with its type.
    ['', 'type A { b: Int c: Int }'],
  ),
  planted(
    Change.FieldTypeChanged,
    ['type A { b: Int }', 'type A { b: String }'],
    ['breaking', 'field-type-changed', 'A.b'],
    'type A { b: Int! }',
  ),
  planted(
    Change.FieldTypeChanged,
    ['type A { b: [Int] }', 'type A { b: Int }'],
    ['breaking', 'field-type-changed', 'A.b'],
    'type A { b: [Int!] }',
  ),
  planted(
    Change.FieldTypeChanged,
    ['type A { b: [Int!]! }', 'type A { b: [Int]! }'],
    ['breaking', 'field-made-nullable', 'A.b'],
    ['type A { b: [Int]! }', 'type A { b: [Int!]! }'],
  ),
  planted(
    Change.FieldTypeChanged,
    ['type A { b: Int }', 'type A { b: Int! }'],
    ['safe', 'field-made-non-null', 'A.b'],
    ['type A { b: Int! }', 'type A { b: Int }'],
  ),
  planted(
    Change.FieldDescriptionChanged,
    ['type A { "One" b: Int }', 'type A { "Two" b: Int }'],
    ['safe', 'description-changed', 'A.b'],
    'type A { """One""" b: Int }',
  ),
  planted(
    Change.FieldDescriptionAdded,
    ['type A { b: Int }', 'type A { "One" b: Int }'],
    ['safe', 'description-changed', 'A.b'],
    'type A { b: Int "One" c: Int }',
  ),
  planted(
    Change.FieldDescriptionRemoved,
    ['type A { "One" b: Int }', 'type A { b: Int }'],
    ['safe', 'description-changed', 'A.b'],
    'type A { "One", b: Int }',
  ),
  planted(
    Change.FieldDeprecationAdded,
    ['type A { b: Int }', 'type A { b: Int @deprecated(reason: "Use c") }'],
    ['safe', 'deprecation-added', 'A.b'],
    'type A { b: Int c: Int @deprecated }',
  ),
  planted(
    Change.FieldDeprecationAdded,
    ['type A { b: Int }', 'type A { b: Int @deprecated(reason: "") }'],
    ['safe', 'deprecation-added', 'A.b'],
    'type A { "deprecated" b: Int }',
  ),
  planted(
    Change.FieldDeprecationRemoved,
    ['type A { b: Int @deprecated }', 'type A { b: Int }'],
    ['safe', 'deprecation-removed', 'A.b'],
    'type A { b: Int @deprecated(reason: "Use c") }',
  ),
  planted(
    Change.FieldDeprecationReasonChanged,
    [
      'type A { b: Int @deprecated(reason: "One") }',
      'type A { b: Int @deprecated(reason: "Two") }',
    ],
    ['safe', 'deprecation-reason-changed', 'A.b'],
    'type A { b: Int @deprecated(reason: """One""") }',
  ),
  planted(
    Change.FieldDeprecationReasonAdded,
    ['type A { b: Int @deprecated }', 'type A { b: Int @deprecated(reason: "Two") }'],
    ['safe', 'deprecation-reason-changed', 'A.b'],
    'type A { b: Int @deprecated(reason: "No longer supported") }',
  ),
  planted(
    Change.FieldDeprecationReasonRemoved,
    ['type A { b: Int @deprecated(reason: "One") }', 'type A { b: Int @deprecated }'],
    ['safe', 'deprecation-reason-changed', 'A.b'],
    'type A { b: Int }',
  ),
  planted(
    Change.EnumValueRemoved,
    ['enum E { A B }', 'enum E { A }'],
    ['breaking', 'enum-value-removed', 'E.B'],
    // The order of values means nothing.
    'enum E { B A }',
  ),
  planted(
    Change.EnumValueRemoved,
    ['enum E { A B @deprecated }', 'enum E { A }'],
    ['breaking', 'deprecated-enum-value-removed', 'E.B'],
    'enum E { A @deprecated B @deprecated }',
  ),
  planted(
    Change.EnumValueAdded,
    ['enum E { A }', 'enum E { A B }'],
    ['dangerous', 'enum-value-added', 'E.B'],
    ['', 'enum E { A B }'],
  ),
  planted(
    Change.EnumValueDescriptionChanged,
    ['enum E { "One" A }', 'enum E { "Two" A }'],
    ['safe', 'description-changed', 'E.A'],
    'enum E { """One""" A }',
  ),
  planted(
    Change.EnumValueDeprecationReasonAdded,
    ['enum E { A }', 'enum E { A @deprecated(reason: "Use B") }'],
    ['safe', 'deprecation-added', 'E.A'],
    'enum E { A B @deprecated }',
  ),
  planted(
    Change.EnumValueDeprecationReasonChanged,
    ['enum E { A @deprecated(reason: "One") }', 'enum E { A @deprecated(reason: "Two") }'],
    ['safe', 'deprecation-reason-changed', 'E.A'],
    'enum E { A }',
  ),
  planted(
    Change.EnumValueDeprecationReasonRemoved,
    ['enum E { A @deprecated(reason: "One") }', 'enum E { A }'],
    ['safe', 'deprecation-removed', 'E.A'],
    'enum E { A @deprecated }',
  ),
  planted(
    null,
    [
      'scalar S @specifiedBy(url: "https://a.example")',
      'scalar S @specifiedBy(url: "https://b.example")',
    ],
    ['dangerous', 'scalar-specified-by-changed', 'S'],
    '"New" scalar S @specifiedBy(url: "https://a.example")',
  ),
  planted(
    null,
    ['scalar S @specifiedBy(url: "https://a.example")', 'scalar S'],
    ['dangerous', 'scalar-specified-by-changed', 'S'],
    ['scalar S', 'scalar S @specifiedBy(url: "https://a.example")'],
  ),
  planted(
    null,
    ['scalar S', 'scalar S @specifiedBy(url: "https://a.example")'],
    ['safe', 'scalar-specified-by-added', 'S'],
    'scalar S scalar T @specifiedBy(url: "https://a.example")',
  ),
];
