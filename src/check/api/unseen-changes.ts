// What graphql-inspector compares by the directives in the text, or does not compare at all.
import {
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isScalarType,
} from 'graphql';
import type { Schemas } from './schemas.ts';
import type { Verdict } from './verdict.ts';

/** What may be deprecated, by its path; null where it is not. */
type Deprecations = Map<string, string | null>;

interface Named {
  name: string;
  deprecationReason?: string | null | undefined;
}

function deprecationsOf(schema: GraphQLSchema): Deprecations {
  const reasons: Deprecations = new Map();
  const add = (member: Named, path: string) => reasons.set(path, member.deprecationReason ?? null);
  for (const directive of schema.getDirectives()) {
    for (const arg of directive.args) add(arg, `@${directive.name}(${arg.name}:)`);
  }
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type)) continue;
    if (isEnumType(type)) {
      for (const value of type.getValues()) add(value, `${type.name}.${value.name}`);
    } else if (isInputObjectType(type)) {
      for (const field of Object.values(type.getFields())) add(field, `${type.name}.${field.name}`);
    } else if (isObjectType(type) || isInterfaceType(type)) {
      for (const field of Object.values(type.getFields())) {
        const path = `${type.name}.${field.name}`;
        add(field, path);
        for (const arg of field.args) add(arg, `${path}(${arg.name}:)`);
      }
    }
  }
  return reasons;
}

function changedDeprecations({ base, head }: Schemas): Verdict[] {
  const before = deprecationsOf(base);
  return [...deprecationsOf(head)].flatMap(([path, reason]): Verdict[] => {
    const earlier = before.get(path);
    if (earlier === undefined || earlier === reason) return [];
    if (earlier === null) {
      return [{ rule: 'deprecation-added', path, message: `'${path}' is deprecated: ${reason}` }];
    }
    return reason === null
      ? [{ rule: 'deprecation-removed', path, message: `'${path}' is no longer deprecated` }]
      : [
          {
            rule: 'deprecation-reason-changed',
            path,
            message: `The reason why '${path}' is deprecated changed to: ${reason}`,
          },
        ];
  });
}

function changedSpecification(name: string, before?: string | null, after?: string | null) {
  if ((before ?? null) === (after ?? null)) return [];
  if (before == null) {
    const message = `The specification of '${name}' is named now: ${after}`;
    return [{ rule: 'scalar-specified-by-added', path: name, message }];
  }
  const now = after ? `changed from ${before} to ${after}` : `is no longer named; it was ${before}`;
  const message = `The specification of '${name}' ${now}`;
  return [{ rule: 'scalar-specified-by-changed', path: name, message }];
}

function changedOneOf(name: string, before: boolean, after: boolean): Verdict[] {
  if (before === after) return [];
  return after
    ? [
        {
          rule: 'one-of-added',
          path: name,
          message: `'${name}' takes exactly one of its fields now`,
        },
      ]
    : [
        {
          rule: 'one-of-removed',
          path: name,
          message: `'${name}' takes any number of its fields now`,
        },
      ];
}

function changedMeanings({ base, head }: Schemas): Verdict[] {
  return Object.values(head.getTypeMap()).flatMap((after): Verdict[] => {
    const before = base.getType(after.name);
    if (isScalarType(before) && isScalarType(after)) {
      return changedSpecification(after.name, before.specifiedByURL, after.specifiedByURL);
    }
    if (isInputObjectType(before) && isInputObjectType(after)) {
      return changedOneOf(after.name, before.isOneOf, after.isOneOf);
    }
    return [];
  });
}

/** A new type is one more that a field may return if it returns an interface. */
function newImplementations({ base, head }: Schemas): Verdict[] {
  return Object.values(head.getTypeMap()).flatMap((type) => {
    if (!isObjectType(type) || base.getType(type.name)) return [];
    return type
      .getInterfaces()
      .filter(({ name }) => isInterfaceType(base.getType(name)))
      .map(({ name }) => ({
        rule: 'interface-type-added',
        path: `${type.name}.${name}`,
        message: `The new type '${type.name}' implements the interface '${name}'`,
      }));
  });
}

/** Returns the differences that graphql-inspector does not see, or sees only in the text. */
export function unseenChanges(schemas: Schemas): Verdict[] {
  return [
    ...changedDeprecations(schemas),
    ...changedMeanings(schemas),
    ...newImplementations(schemas),
  ];
}
