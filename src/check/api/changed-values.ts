import { ChangeType } from '@graphql-inspector/core';
import { isNonNullType } from 'graphql';
import {
  argumentOf,
  directiveArgumentOf,
  type InputValue,
  inputFieldOf,
  isRequired,
} from './schemas.ts';
import type { Judges, Verdict } from './verdict.ts';

/** Rules about values are named after what takes them. */
type Taker = 'argument' | 'input-field' | 'directive-argument';

interface Values {
  before: InputValue | undefined;
  after: InputValue | undefined;
}

function removed(taker: Taker, path: string, before: InputValue | undefined): Verdict {
  const deprecated = before?.deprecationReason != null;
  return { rule: deprecated ? `deprecated-${taker}-removed` : `${taker}-removed`, path };
}

function added(taker: Taker, path: string, after: InputValue | undefined): Verdict | undefined {
  if (!after) return undefined;
  if (isRequired(after)) return { rule: `required-${taker}-added`, path };
  const withDefault = after.defaultValue !== undefined;
  return { rule: withDefault ? `${taker}-with-default-added` : `optional-${taker}-added`, path };
}

function retyped(taker: Taker, path: string, before: string, after: string, safe: boolean) {
  if (safe) return { rule: `${taker}-made-nullable`, path };
  const sameType = before.replaceAll('!', '') === after.replaceAll('!', '');
  return { rule: sameType ? `${taker}-made-required` : `${taker}-type-changed`, path };
}

function redefaulted(taker: Taker, path: string, { before, after }: Values): Verdict | undefined {
  // The values of something new are new with it.
  if (!before || !after) return undefined;
  if (after.defaultValue === undefined) {
    const rule = isNonNullType(after.type)
      ? `${taker}-default-removed`
      : `${taker}-default-changed`;
    return { rule, path, message: `The default value of '${path}' was removed` };
  }
  if (isRequired(before)) {
    return { rule: `${taker}-default-added`, path, message: `'${path}' has a default value now` };
  }
  return {
    rule: `${taker}-default-changed`,
    path,
    message: `The default value of '${path}' changed`,
  };
}

const argument = (type: string, field: string, name: string) => `${type}.${field}(${name}:)`;
const ofDirective = (directive: string, name: string) => `@${directive}(${name}:)`;
const description = (path: string): Verdict => ({ rule: 'description-changed', path });

export const valueJudges = {
  [ChangeType.FieldArgumentAdded]: (meta, { head }) =>
    added(
      'argument',
      argument(meta.typeName, meta.fieldName, meta.addedArgumentName),
      argumentOf(head, meta.typeName, meta.fieldName, meta.addedArgumentName),
    ),
  [ChangeType.FieldArgumentRemoved]: (meta, { base }) =>
    removed(
      'argument',
      argument(meta.typeName, meta.fieldName, meta.removedFieldArgumentName),
      argumentOf(base, meta.typeName, meta.fieldName, meta.removedFieldArgumentName),
    ),
  [ChangeType.FieldArgumentTypeChanged]: (meta) =>
    retyped(
      'argument',
      argument(meta.typeName, meta.fieldName, meta.argumentName),
      meta.oldArgumentType,
      meta.newArgumentType,
      meta.isSafeArgumentTypeChange,
    ),
  [ChangeType.FieldArgumentDefaultChanged]: (meta, { base, head }) =>
    redefaulted('argument', argument(meta.typeName, meta.fieldName, meta.argumentName), {
      before: argumentOf(base, meta.typeName, meta.fieldName, meta.argumentName),
      after: argumentOf(head, meta.typeName, meta.fieldName, meta.argumentName),
    }),
  [ChangeType.FieldArgumentDescriptionChanged]: (meta) =>
    description(argument(meta.typeName, meta.fieldName, meta.argumentName)),
  [ChangeType.InputFieldAdded]: (meta, { head }) =>
    added(
      'input-field',
      `${meta.inputName}.${meta.addedInputFieldName}`,
      inputFieldOf(head, meta.inputName, meta.addedInputFieldName),
    ),
  [ChangeType.InputFieldRemoved]: (meta, { base }) =>
    removed(
      'input-field',
      `${meta.inputName}.${meta.removedFieldName}`,
      inputFieldOf(base, meta.inputName, meta.removedFieldName),
    ),
  [ChangeType.InputFieldTypeChanged]: (meta) =>
    retyped(
      'input-field',
      `${meta.inputName}.${meta.inputFieldName}`,
      meta.oldInputFieldType,
      meta.newInputFieldType,
      meta.isInputFieldTypeChangeSafe,
    ),
  [ChangeType.InputFieldDefaultValueChanged]: (meta, { base, head }) =>
    redefaulted('input-field', `${meta.inputName}.${meta.inputFieldName}`, {
      before: inputFieldOf(base, meta.inputName, meta.inputFieldName),
      after: inputFieldOf(head, meta.inputName, meta.inputFieldName),
    }),
  [ChangeType.InputFieldDescriptionAdded]: (meta) =>
    description(`${meta.inputName}.${meta.inputFieldName}`),
  [ChangeType.InputFieldDescriptionRemoved]: (meta) =>
    description(`${meta.inputName}.${meta.inputFieldName}`),
  [ChangeType.InputFieldDescriptionChanged]: (meta) =>
    description(`${meta.inputName}.${meta.inputFieldName}`),
  [ChangeType.DirectiveArgumentAdded]: (meta, { head }) =>
    added(
      'directive-argument',
      ofDirective(meta.directiveName, meta.addedDirectiveArgumentName),
      directiveArgumentOf(head, meta.directiveName, meta.addedDirectiveArgumentName),
    ),
  [ChangeType.DirectiveArgumentRemoved]: (meta, { base }) =>
    removed(
      'directive-argument',
      ofDirective(meta.directiveName, meta.removedDirectiveArgumentName),
      directiveArgumentOf(base, meta.directiveName, meta.removedDirectiveArgumentName),
    ),
  [ChangeType.DirectiveArgumentTypeChanged]: (meta) =>
    retyped(
      'directive-argument',
      ofDirective(meta.directiveName, meta.directiveArgumentName),
      meta.oldDirectiveArgumentType,
      meta.newDirectiveArgumentType,
      meta.isSafeDirectiveArgumentTypeChange,
    ),
  [ChangeType.DirectiveArgumentDefaultValueChanged]: (meta, { base, head }) =>
    redefaulted('directive-argument', ofDirective(meta.directiveName, meta.directiveArgumentName), {
      before: directiveArgumentOf(base, meta.directiveName, meta.directiveArgumentName),
      after: directiveArgumentOf(head, meta.directiveName, meta.directiveArgumentName),
    }),
  [ChangeType.DirectiveArgumentDescriptionChanged]: (meta) =>
    description(ofDirective(meta.directiveName, meta.directiveArgumentName)),
} satisfies Partial<Judges>;
