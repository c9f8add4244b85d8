import { ChangeType } from '@graphql-inspector/core';
import { specifiedDirectives } from 'graphql';
import type { Judges, Verdict } from './verdict.ts';

/** What deprecations, @oneOf and @specifiedBy mean is compared in unseen-changes.ts. */
const STANDARD = new Set(specifiedDirectives.map(({ name }) => name));

function applied(change: 'added' | 'removed', name: string, ...owner: string[]) {
  if (STANDARD.has(name)) return undefined;
  return { rule: `applied-directive-${change}`, path: `${owner.join('.')}.@${name}` };
}

interface ArgumentOwner {
  directiveName: string;
  parentTypeName: string | null;
  parentFieldName: string | null;
  parentArgumentName: string | null;
  parentEnumValueName: string | null;
}

function appliedArgument(meta: ArgumentOwner, name: string): Verdict | undefined {
  if (STANDARD.has(meta.directiveName)) return undefined;
  const member = meta.parentFieldName ?? meta.parentEnumValueName;
  const argument = meta.parentArgumentName && `(${meta.parentArgumentName}:)`;
  const owner = [meta.parentTypeName ?? 'schema', ...(member ? [member] : [])].join('.');
  return {
    rule: 'applied-directive-argument-changed',
    path: `${owner}${argument ?? ''}.@${meta.directiveName}(${name}:)`,
    message: `The argument '${name}' of '@${meta.directiveName}' is different there`,
  };
}

const onArgument = (meta: { typeName: string; fieldName: string; argumentName: string }) =>
  `${meta.typeName}.${meta.fieldName}(${meta.argumentName}:)`;

export const directiveJudges = {
  [ChangeType.DirectiveRemoved]: (meta) => ({
    rule: 'directive-removed',
    path: `@${meta.removedDirectiveName}`,
  }),
  [ChangeType.DirectiveAdded]: (meta) => ({
    rule: 'directive-added',
    path: `@${meta.addedDirectiveName}`,
  }),
  [ChangeType.DirectiveDescriptionChanged]: (meta) => ({
    rule: 'description-changed',
    path: `@${meta.directiveName}`,
  }),
  [ChangeType.DirectiveRepeatableAdded]: (meta) => ({
    rule: 'directive-repeatable-added',
    path: `@${meta.directiveName}`,
    message: `The directive '@${meta.directiveName}' can be repeated now`,
  }),
  [ChangeType.DirectiveRepeatableRemoved]: (meta) => ({
    rule: 'directive-repeatable-removed',
    path: `@${meta.directiveName}`,
    message: `The directive '@${meta.directiveName}' can no longer be repeated`,
  }),
  [ChangeType.DirectiveLocationAdded]: (meta) => ({
    rule: 'directive-location-added',
    path: `@${meta.directiveName}.${meta.addedDirectiveLocation}`,
  }),
  [ChangeType.DirectiveLocationRemoved]: (meta) => ({
    rule: 'directive-location-removed',
    path: `@${meta.directiveName}.${meta.removedDirectiveLocation}`,
  }),
  [ChangeType.DirectiveUsageUnionMemberAdded]: (meta) =>
    applied('added', meta.addedDirectiveName, meta.unionName),
  [ChangeType.DirectiveUsageUnionMemberRemoved]: (meta) =>
    applied('removed', meta.removedDirectiveName, meta.unionName),
  [ChangeType.DirectiveUsageEnumAdded]: (meta) =>
    applied('added', meta.addedDirectiveName, meta.enumName),
  [ChangeType.DirectiveUsageEnumRemoved]: (meta) =>
    applied('removed', meta.removedDirectiveName, meta.enumName),
  [ChangeType.DirectiveUsageEnumValueAdded]: (meta) =>
    applied('added', meta.addedDirectiveName, meta.enumName, meta.enumValueName),
  [ChangeType.DirectiveUsageEnumValueRemoved]: (meta) =>
    applied('removed', meta.removedDirectiveName, meta.enumName, meta.enumValueName),
  [ChangeType.DirectiveUsageInputObjectAdded]: (meta) =>
    applied('added', meta.addedDirectiveName, meta.inputObjectName),
  [ChangeType.DirectiveUsageInputObjectRemoved]: (meta) =>
    applied('removed', meta.removedDirectiveName, meta.inputObjectName),
  [ChangeType.DirectiveUsageFieldAdded]: (meta) =>
    applied('added', meta.addedDirectiveName, meta.typeName, meta.fieldName),
  [ChangeType.DirectiveUsageFieldRemoved]: (meta) =>
    applied('removed', meta.removedDirectiveName, meta.typeName, meta.fieldName),
  [ChangeType.DirectiveUsageScalarAdded]: (meta) =>
    applied('added', meta.addedDirectiveName, meta.scalarName),
  [ChangeType.DirectiveUsageScalarRemoved]: (meta) =>
    applied('removed', meta.removedDirectiveName, meta.scalarName),
  [ChangeType.DirectiveUsageObjectAdded]: (meta) =>
    applied('added', meta.addedDirectiveName, meta.objectName),
  [ChangeType.DirectiveUsageObjectRemoved]: (meta) =>
    applied('removed', meta.removedDirectiveName, meta.objectName),
  [ChangeType.DirectiveUsageInterfaceAdded]: (meta) =>
    applied('added', meta.addedDirectiveName, meta.interfaceName),
  [ChangeType.DirectiveUsageInterfaceRemoved]: (meta) =>
    applied('removed', meta.removedDirectiveName, meta.interfaceName),
  [ChangeType.DirectiveUsageArgumentDefinitionAdded]: (meta) =>
    applied('added', meta.addedDirectiveName, onArgument(meta)),
  [ChangeType.DirectiveUsageArgumentDefinitionRemoved]: (meta) =>
    applied('removed', meta.removedDirectiveName, onArgument(meta)),
  [ChangeType.DirectiveUsageSchemaAdded]: (meta) =>
    applied('added', meta.addedDirectiveName, 'schema'),
  [ChangeType.DirectiveUsageSchemaRemoved]: (meta) =>
    applied('removed', meta.removedDirectiveName, 'schema'),
  [ChangeType.DirectiveUsageFieldDefinitionAdded]: (meta) =>
    applied('added', meta.addedDirectiveName, meta.typeName, meta.fieldName),
  [ChangeType.DirectiveUsageFieldDefinitionRemoved]: (meta) =>
    applied('removed', meta.removedDirectiveName, meta.typeName, meta.fieldName),
  [ChangeType.DirectiveUsageInputFieldDefinitionAdded]: (meta) =>
    applied('added', meta.addedDirectiveName, meta.inputObjectName, meta.inputFieldName),
  [ChangeType.DirectiveUsageInputFieldDefinitionRemoved]: (meta) =>
    applied('removed', meta.removedDirectiveName, meta.inputObjectName, meta.inputFieldName),
  [ChangeType.DirectiveUsageArgumentAdded]: (meta) => appliedArgument(meta, meta.addedArgumentName),
  [ChangeType.DirectiveUsageArgumentRemoved]: (meta) =>
    appliedArgument(meta, meta.removedArgumentName),
} satisfies Partial<Judges>;
