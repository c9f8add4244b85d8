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

/** Tables that are not in the API, each with its reason. */
const INTERNAL: Record<string, string> = {};

const tables = Object.entries(catalog.models).filter(
  ([name, model]) => model.schema === 'public' && !views.has(name),
);
const fieldsOf = (name: string) => (schema.getType(name) as GraphQLObjectType).getFields();

describe('every table is in the API or internal for a stated reason', () => {
  it.each(tables)('%s', (name) => {
    expect(models.has(name)).toBe(!INTERNAL[name]);
  });
});

describe('every column is in the API or hidden for a stated reason', () => {
  it.each(named(cases))('%s', (name, { columns }) => {
    const { hidden = {} } = models.get(name) ?? {};
    const shown = columns.map(([column]) => column);
    const { columns: stored = {} } = catalog.models[name] ?? {};
    const unshown = Object.keys(hidden).filter((column) => stored[column]);
    expect([...shown, ...unshown].sort()).toEqual(Object.keys(stored).sort());
    expect(Object.values(hidden).filter((reason) => !reason)).toEqual([]);
    for (const [column, { type: kind, isRequired, isList }] of columns) {
      const type = String(fieldsOf(name)[column]?.type);
      // A required JSON column may hold JSON's null.
      expect(type.endsWith('!'), column).toBe(kind !== 'Json' && (isRequired || isList));
      expect(type.startsWith('['), column).toBe(isList);
    }
  });
});

describe('every relation is in the API or hidden for a stated reason', () => {
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

/** References without a foreign key, with their fields and types in the API. */
const REFERENCES: [model: string, column: string, field: string][] = [
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

describe('every reference without a foreign key is a field', () => {
  it('there are 30', () => {
    expect(REFERENCES).toHaveLength(30);
  });
  it.each(REFERENCES)('%s.%s', (model, column, field) => {
    const [name = '', type] = field.split(': ');
    expect(String(fieldsOf(model)[name]?.type)).toBe(type);
    const link = models.get(model)?.links?.[name];
    const stored = catalog.models[model]?.columns[link?.column ?? 'sourceId']?.column;
    expect(stored).toBe(column);
  });
});

/** Fields whose names need no description. */
const CLEAR_NAMES =
  /^(id|name|title|description|status|workspace|workspaceId|createdAt|updatedAt|createdBy(Id)?|joinedAt|role|message|topic|question|reasoning|content|summary|notes|tags|url|slug|currency|email)$/;

const types = Object.values(schema.getTypeMap()).filter(
  (type) => !isIntrospectionType(type) && !isScalarType(type),
);

describe('every type has a description', () => {
  const generated = /(Connection|Edge)$|^(OrderDirection|Node|PageInfo|Query|Mutation)$/;
  const own = types.filter(({ name }) => !generated.test(name));
  it.each(own.map((type): [string, GraphQLNamedType] => [type.name, type]))('%s', (_, type) => {
    expect(type.description?.trim()).toBeTruthy();
  });
});

describe('every field has a description, unless its name is clear', () => {
  const shown = types.filter(
    (type): type is GraphQLObjectType => isObjectType(type) && models.has(type.name),
  );
  it.each(shown.map((type): [string, GraphQLObjectType] => [type.name, type]))('%s', (_, type) => {
    const undescribed = Object.values(type.getFields()).filter((field) => {
      const target = getNamedType(field.type);
      const isRelation = isObjectType(target) && Boolean(target.description);
      return !field.description && !CLEAR_NAMES.test(field.name) && !isRelation;
    });
    expect(undescribed.map(({ name }) => name)).toEqual([]);
  });
});
