import { ChangeType } from '@graphql-inspector/core';
import type { Judges, Verdict } from './verdict.ts';

/** Returns the type as it is without any mark that says non-null. */
const unmarked = (type: string) => type.replaceAll('!', '');

function root(operation: string, before: string | null, after: string | null): Verdict {
  const path = `schema.${operation}`;
  if (before === null) return { rule: 'root-type-added', path };
  return { rule: after === null ? 'root-type-removed' : 'root-type-renamed', path };
}

const description = (...path: string[]): Verdict => ({
  rule: 'description-changed',
  path: path.join('.'),
});

export const typeJudges = {
  [ChangeType.SchemaQueryTypeChanged]: (meta) =>
    root('query', meta.oldQueryTypeName, meta.newQueryTypeName),
  [ChangeType.SchemaMutationTypeChanged]: (meta) =>
    root('mutation', meta.oldMutationTypeName, meta.newMutationTypeName),
  [ChangeType.SchemaSubscriptionTypeChanged]: (meta) =>
    root('subscription', meta.oldSubscriptionTypeName, meta.newSubscriptionTypeName),
  [ChangeType.TypeRemoved]: (meta) => ({ rule: 'type-removed', path: meta.removedTypeName }),
  [ChangeType.TypeAdded]: (meta) => ({ rule: 'type-added', path: meta.addedTypeName }),
  [ChangeType.TypeKindChanged]: (meta) => ({ rule: 'type-kind-changed', path: meta.typeName }),
  [ChangeType.TypeDescriptionChanged]: (meta) => description(meta.typeName),
  [ChangeType.TypeDescriptionRemoved]: (meta) => description(meta.typeName),
  [ChangeType.TypeDescriptionAdded]: (meta) => description(meta.typeName),
  [ChangeType.ObjectTypeInterfaceAdded]: (meta) => ({
    rule: 'interface-added',
    path: `${meta.objectTypeName}.${meta.addedInterfaceName}`,
    message: `'${meta.objectTypeName}' implements the interface '${meta.addedInterfaceName}' now`,
  }),
  [ChangeType.ObjectTypeInterfaceRemoved]: (meta) => ({
    rule: 'interface-removed',
    path: `${meta.objectTypeName}.${meta.removedInterfaceName}`,
    message: `'${meta.objectTypeName}' no longer implements the interface '${meta.removedInterfaceName}'`,
  }),
  [ChangeType.UnionMemberRemoved]: (meta) => ({
    rule: 'union-member-removed',
    path: `${meta.unionName}.${meta.removedUnionMemberTypeName}`,
  }),
  [ChangeType.UnionMemberAdded]: (meta) => ({
    rule: 'union-member-added',
    path: `${meta.unionName}.${meta.addedUnionMemberTypeName}`,
  }),
  [ChangeType.FieldRemoved]: (meta) => ({
    rule: meta.isRemovedFieldDeprecated ? 'deprecated-field-removed' : 'field-removed',
    path: `${meta.typeName}.${meta.removedFieldName}`,
  }),
  [ChangeType.FieldAdded]: (meta) => ({
    rule: 'field-added',
    path: `${meta.typeName}.${meta.addedFieldName}`,
  }),
  [ChangeType.FieldTypeChanged]: (meta) => {
    const path = `${meta.typeName}.${meta.fieldName}`;
    if (meta.isSafeFieldTypeChange) return { rule: 'field-made-non-null', path };
    const sameType = unmarked(meta.oldFieldType) === unmarked(meta.newFieldType);
    return { rule: sameType ? 'field-made-nullable' : 'field-type-changed', path };
  },
  [ChangeType.FieldDescriptionChanged]: (meta) => description(meta.typeName, meta.fieldName),
  [ChangeType.FieldDescriptionAdded]: (meta) => description(meta.typeName, meta.fieldName),
  [ChangeType.FieldDescriptionRemoved]: (meta) => description(meta.typeName, meta.fieldName),
  [ChangeType.EnumValueRemoved]: (meta) => ({
    rule: meta.isEnumValueDeprecated ? 'deprecated-enum-value-removed' : 'enum-value-removed',
    path: `${meta.enumName}.${meta.removedEnumValueName}`,
  }),
  [ChangeType.EnumValueAdded]: (meta) => ({
    rule: 'enum-value-added',
    path: `${meta.enumName}.${meta.addedEnumValueName}`,
  }),
  [ChangeType.EnumValueDescriptionChanged]: (meta) =>
    description(meta.enumName, meta.enumValueName),
} satisfies Partial<Judges>;
