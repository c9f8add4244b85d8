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
import type { ToldOperation } from './world.ts';

/** A subscription of the schema, and what it tells when each row is updated, deleted and created. */
export interface Document {
  field: string;
  shown: Case;
  tells: readonly ToldOperation[];
  /** Takes the variable `after`. */
  text: string;
}

const EVERYTHING: readonly ToldOperation[] = ['UPDATED', 'DELETED', 'CREATED'];

/** The subscriptions besides those to all changes of a table. */
export const NAMED: Record<string, [model: string, ...tells: ToldOperation[]]> = {
  alertRaised: ['SystemAlert', 'CREATED'],
  alertChanged: ['SystemAlert', 'UPDATED'],
  notificationReceived: ['UserNotification', 'CREATED'],
  insightPublished: ['MarketInsight', 'CREATED'],
  signalDetected: ['IntelligenceSignal', 'CREATED'],
  achievementUnlocked: ['UserAchievement', 'UPDATED'],
  campaignStatusChanged: ['Campaign', 'UPDATED'],
  agentExecutionRecorded: ['AgentPerformance', 'UPDATED', 'CREATED'],
};

/** An operation has room for so many relations. */
const RELATIONS_AT_ONCE = 15;

function documentsOf(field: string, shown: Case, tells: readonly ToldOperation[]): Document[] {
  const type = schema.getType(shown.name) as GraphQLObjectType;
  const fields = Object.values(type.getFields());
  const columns = fields.filter((each) => isLeafType(getNamedType(each.type)));
  const relations = fields.filter((each) => !isLeafType(getNamedType(each.type)));
  const personal = relations.filter(isPersonal);
  const common = relations.filter((each) => !isPersonal(each));
  const selections = [
    `${namesOf(columns)} ${selectionOf(common.slice(0, RELATIONS_AT_ONCE))}`,
    ...inParts(common.slice(RELATIONS_AT_ONCE)).map((part) => `id ${selectionOf(part)}`),
    ...(personal.length > 0 ? [`id ${selectionOf(personal)}`] : []),
  ];
  return selections.map((node) => ({
    field,
    shown,
    tells,
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
  for (let i = 0; i < fields.length; i += RELATIONS_AT_ONCE) {
    parts.push(fields.slice(i, i + RELATIONS_AT_ONCE));
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
 * Every subscription of the schema, with all columns and one level of relations. Relations to rows of
 * persons come by themselves: with them nothing is executed for many people at once.
 */
export const documents: readonly Document[] = [
  ...cases.flatMap((shown) => documentsOf(`${shown.lookup}Changed`, shown, EVERYTHING)),
  ...Object.entries(NAMED).flatMap(([field, [model, ...tells]]) =>
    documentsOf(field, caseOf(model), tells),
  ),
];
