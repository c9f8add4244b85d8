import {
  type GraphQLNamedType,
  type GraphQLObjectType,
  getNamedType,
  isIntrospectionType,
  isObjectType,
  isScalarType,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { catalog } from '../../src/generated/catalog.ts';
import { models } from '../../src/models/index.ts';
import { schema } from '../../src/schema/index.ts';
import { cases, named, views } from './cases.ts';

/** Tables that the API does not show, each with its reason. */
const INTERNAL: Record<string, string> = {};

/** Relations that the API does not show, each with its reason. */
const tables = Object.entries(catalog.models).filter(
  ([name, model]) => model.schema === 'public' && !views.has(name),
);
const fieldsOf = (name: string) => (schema.getType(name) as GraphQLObjectType).getFields();

describe('a table is shown, or internal for a reason', () => {
  it.each(tables)('%s', (name) => {
    expect(models.has(name)).toBe(!INTERNAL[name]);
  });
});

describe('a column is shown, or hidden for a reason', () => {
  it.each(named(cases))('%s', (name, { columns }) => {
    const { hidden = {} } = models.get(name) ?? {};
    const shown = columns.map(([column]) => column);
    const { columns: stored = {} } = catalog.models[name] ?? {};
    const unshown = Object.keys(hidden).filter((column) => stored[column]);
    expect([...shown, ...unshown].sort()).toEqual(Object.keys(stored).sort());
    expect(Object.values(hidden).filter((reason) => !reason)).toEqual([]);
    for (const [column, { type: kind, isRequired, isList }] of columns) {
      const type = String(fieldsOf(name)[column]?.type);
      // A required JSON column may hold JSON's own null.
      expect(type.endsWith('!'), column).toBe(kind !== 'Json' && (isRequired || isList));
      expect(type.startsWith('['), column).toBe(isList);
    }
  });
});

describe('a relation is shown, or left out for a reason', () => {
  it.each(named(cases))('%s', (name, { one, many, people }) => {
    const relations = Object.entries(catalog.models[name]?.relations ?? {});
    const tablesOnly = relations
      .filter(([, { to }]) => !views.has(to))
      .map(([relation]) => relation);
    const shown = [...one, ...many, ...people].map(([relation]) => relation);
    const hidden = Object.keys(models.get(name)?.hidden ?? {});
    const unshown = relations.map(([relation]) => relation).filter((each) => hidden.includes(each));
    expect([...shown, ...unshown].sort()).toEqual(tablesOnly.sort());
    for (const [relation, { to }] of [...one, ...people]) {
      expect(String(fieldsOf(name)[relation]?.type)).toBe(to === 'AuthUser' ? 'UserProfile' : to);
    }
    for (const [relation, { to }] of many) {
      expect(String(fieldsOf(name)[relation]?.type)).toBe(`${to}Connection!`);
    }
  });
});

/** References that the database keeps as plain values, with the type that the API shows for them. */
const LOGICAL: [model: string, column: string, field: string][] = [
  ['StrategyInsight', 'source_id', 'source: InsightSource'],
  ['CampaignQuest', 'assigned_to_agents', 'assignedToAgents: [Agent]!'],
  ['SupportFeedback', 'related_cohort_ids', 'relatedCohorts: [Cohort]!'],
  ['Move', 'secondary_icp_ids', 'secondaryIcps: [Cohort]!'],
  ['Move', 'created_by_agent', 'createdByAgent: Agent'],
  ['Asset', 'reviewed_by_agents', 'reviewedByAgents: [Agent]!'],
  ['Asset', 'created_by_agent', 'createdByAgent: Agent'],
  ['VisualDesign', 'created_by_agent', 'createdByAgent: Agent'],
  ['ContentAdaptation', 'created_by_agent', 'createdByAgent: Agent'],
  ['ContentPattern', 'performing_assets', 'performingAssets: [Asset]!'],
  ['ContentPattern', 'recommended_for_cohorts', 'recommendedForCohorts: [Cohort]!'],
  ['Experiment', 'created_by_agent', 'createdByAgent: Agent'],
  ['AgentMessage', 'targets', 'targetAgents: [Agent]!'],
  ['AgentMessage', 'origin', 'originAgent: Agent'],
  ['AgentDebate', 'participants', 'participantAgents: [Agent]!'],
  ['PolicyDecision', 'agents_involved', 'involvedAgents: [Agent]!'],
  ['AgentRecommendation', 'agent_id', 'agent: Agent'],
  ['RecommendationPattern', 'agent_ids', 'agents: [Agent]!'],
  ['RecommendationOutcome', 'agent_id', 'agent: Agent'],
  ['AgentTrustScore', 'agent_id', 'agent: Agent'],
  ['IntelligenceSignal', 'related_competitor_ids', 'relatedCompetitors: [Competitor]!'],
  ['IntelligenceSignal', 'related_cohort_ids', 'relatedCohorts: [Cohort]!'],
  ['IntelligenceSignal', 'related_campaign_ids', 'relatedCampaigns: [Campaign]!'],
  ['MarketInsight', 'source_signal_ids', 'sourceSignals: [IntelligenceSignal]!'],
  ['MarketInsight', 'relevant_for_competitors', 'relevantForCompetitors: [Competitor]!'],
  ['MarketInsight', 'relevant_for_cohorts', 'relevantForCohorts: [Cohort]!'],
  ['MarketInsight', 'relevant_for_campaigns', 'relevantForCampaigns: [Campaign]!'],
  ['CompetitorContent', 'scraped_by_agent', 'scrapedByAgent: Agent'],
  ['CompetitorPattern', 'identified_by_agent', 'identifiedByAgent: Agent'],
  ['Trend', 'relevant_cohorts', 'relevantCohorts: [Cohort]!'],
];

describe('a reference that the database does not know as one is a field', () => {
  it('there are 30', () => {
    expect(LOGICAL).toHaveLength(30);
  });
  it.each(LOGICAL)('%s.%s', (model, column, field) => {
    const [name = '', type] = field.split(': ');
    expect(String(fieldsOf(model)[name]?.type)).toBe(type);
    const link = models.get(model)?.links?.[name];
    const stored = catalog.models[model]?.columns[link?.column ?? 'sourceId']?.column;
    expect(stored).toBe(column);
  });
});

/** Fields whose names say all there is to say. */
const EVIDENT =
  /^(id|name|title|description|status|workspace|workspaceId|createdAt|updatedAt|createdBy(Id)?|joinedAt|role|message|topic|question|reasoning|content|summary|notes|tags|url|slug|currency|email)$/;

const types = Object.values(schema.getTypeMap()).filter(
  (type) => !isIntrospectionType(type) && !isScalarType(type),
);

describe('what a type is for is written down', () => {
  const generated = /(Connection|Edge)$|^(OrderDirection|Node|PageInfo|Query|Mutation)$/;
  const own = types.filter(({ name }) => !generated.test(name));
  it.each(own.map((type): [string, GraphQLNamedType] => [type.name, type]))('%s', (_, type) => {
    expect(type.description?.trim()).toBeTruthy();
  });
});

describe('what a field is for is written down, unless its name says it', () => {
  const shown = types.filter(
    (type): type is GraphQLObjectType => isObjectType(type) && models.has(type.name),
  );
  it.each(shown.map((type): [string, GraphQLObjectType] => [type.name, type]))('%s', (_, type) => {
    const silent = Object.values(type.getFields()).filter((field) => {
      const target = getNamedType(field.type);
      const isRelation = isObjectType(target) && Boolean(target.description);
      return !field.description && !EVIDENT.test(field.name) && !isRelation;
    });
    expect(silent.map(({ name }) => name)).toEqual([]);
  });
});
