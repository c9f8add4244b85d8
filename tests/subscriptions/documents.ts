import {
  type GraphQLField,
  type GraphQLObjectType,
  getNamedType,
  isLeafType,
  isObjectType,
} from 'graphql';
import { personalModels } from '../../src/models/index.ts';
import { schema } from '../../src/schema/index.ts';
import { type Case, caseOf, cases } from '../contract/cases.ts';
import type { Operation } from './world.ts';

/** A subscription of the schema, and the operations whose events it sends. */
export interface Document {
  field: string;
  shown: Case;
  operations: readonly Operation[];
  /** Has the variable `after`. */
  text: string;
}

const EVERYTHING: readonly Operation[] = ['UPDATED', 'DELETED', 'CREATED'];

/** The subscriptions other than those to all changes of a table. */
export const NAMED: Record<string, [model: string, ...operations: Operation[]]> = {
  alertRaised: ['SystemAlert', 'CREATED'],
  alertChanged: ['SystemAlert', 'UPDATED'],
  notificationReceived: ['UserNotification', 'CREATED'],
  insightPublished: ['MarketInsight', 'CREATED'],
  signalDetected: ['IntelligenceSignal', 'CREATED'],
  achievementUnlocked: ['UserAchievement', 'UPDATED'],
  campaignStatusChanged: ['Campaign', 'UPDATED'],
  agentExecutionRecorded: ['AgentPerformance', 'UPDATED', 'CREATED'],
};

/** The relations that one operation may select. */
const MAX_RELATIONS = 15;

function documentsOf(field: string, shown: Case, operations: readonly Operation[]): Document[] {
  const type = schema.getType(shown.name) as GraphQLObjectType;
  const fields = Object.values(type.getFields());
  const columns = fields.filter((each) => isLeafType(getNamedType(each.type)));
  const relations = fields.filter((each) => !isLeafType(getNamedType(each.type)));
  const personal = relations.filter(isPersonal);
  const common = relations.filter((each) => !isPersonal(each));
  const selections = [
    `${namesOf(columns)} ${selectionOf(common.slice(0, MAX_RELATIONS))}`,
    ...inParts(common.slice(MAX_RELATIONS)).map((part) => `id ${selectionOf(part)}`),
    ...(personal.length > 0 ? [`id ${selectionOf(personal)}`] : []),
  ];
  return selections.map((node) => ({
    field,
    shown,
    operations,
    text: `subscription ($after: String) { ${field}(after: $after) {
      operation nodeId changedColumns occurredAt cursor node { ${node} }
    } }`,
  }));
}

type Field = GraphQLField<unknown, unknown>;

const isPersonal = ({ type }: Field) =>
  personalModels.has(getNamedType(type).name.replace(/Connection$/, ''));

const namesOf = (fields: readonly Field[]) => fields.map(({ name }) => name).join(' ');

function inParts(fields: readonly Field[]): Field[][] {
  const parts: Field[][] = [];
  for (let i = 0; i < fields.length; i += MAX_RELATIONS) {
    parts.push(fields.slice(i, i + MAX_RELATIONS));
  }
  return parts;
}

function selectionOf(fields: readonly Field[]): string {
  return fields
    .map(({ name, type, args }) => {
      const to = getNamedType(type);
      if (!isObjectType(to)) return `${name} { __typename }`;
      const isList = args.some((arg) => arg.name === 'first');
      if (!isList) return `${name} { ${leavesOf(to)} }`;
      const { nodes } = to.getFields();
      if (!nodes) return `${name}(first: 5) { ${leavesOf(to)} }`;
      const node = getNamedType(nodes.type) as GraphQLObjectType;
      return `${name}(first: 5) { nodes { ${leavesOf(node)} } }`;
    })
    .join(' ');
}

const leavesOf = (type: GraphQLObjectType) =>
  namesOf(Object.values(type.getFields()).filter((field) => isLeafType(getNamedType(field.type))));

/**
 * Every subscription of the schema, with all columns and one level of relations. Relations to personal
 * rows are in separate documents, since these are not executed once for many people.
 */
export const documents: readonly Document[] = [
  ...cases.flatMap((shown) => documentsOf(`${shown.lookup}Changed`, shown, EVERYTHING)),
  ...Object.entries(NAMED).flatMap(([field, [model, ...operations]]) =>
    documentsOf(field, caseOf(model), operations),
  ),
];
