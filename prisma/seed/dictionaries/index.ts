import type { Demo } from '../demo.ts';
import { at } from '../random.ts';
import type { Row } from '../writer.ts';
import { agents, agentsOf, capabilities, guilds, retiredAgents } from './agents.ts';

export const journeyStages = [
  ['unaware', 'Unaware', 'Does not know the problem by name'],
  ['problem_aware', 'Problem aware', 'Feels the problem, knows no solution'],
  ['solution_aware', 'Solution aware', 'Compares kinds of solutions'],
  ['product_aware', 'Product aware', 'Knows us, weighs us against others'],
  ['most_aware', 'Most aware', 'Has bought; may return and recommend'],
] as const;

const channelRoles = [
  ['discovery', 'Discovery', 'Where strangers first meet the brand'],
  ['education', 'Education', 'Where the problem and its solutions are explained'],
  ['conversion', 'Conversion', 'Where people decide'],
  ['retention', 'Retention', 'Where customers stay customers'],
  ['advocacy', 'Advocacy', 'Where customers speak for the brand'],
] as const;

/** Name, category, days, Fogg role, intensity, risk, description. */
const maneuvers = [
  ['Product launch', 'Offensive', 42, 'Spark', 9, 'Budget_Risk', 'A date, a story, an offer'],
  ['Authority sprint', 'Offensive', 14, 'Spark', 6, 'Low', 'Publish what only we know'],
  [
    'Category challenge',
    'Offensive',
    28,
    'Spark',
    8,
    'Brand_Risk',
    'Question a habit of the market',
  ],
  ['Win-back', 'Defensive', 21, 'Signal', 4, 'Low', 'Bring back people who left'],
  ['Churn shield', 'Defensive', 30, 'Facilitator', 5, 'Medium', 'Remove reasons to leave'],
  ['Reputation repair', 'Defensive', 10, 'Signal', 7, 'Brand_Risk', 'Answer, fix, explain'],
  ['Content refit', 'Logistical', 14, 'Facilitator', 3, 'Low', 'Renew what still brings readers'],
  ['List hygiene', 'Logistical', 7, null, 2, 'Low', 'Clean lists before they cost trust'],
  ['Market probe', 'Recon', 10, 'Signal', 3, 'Low', 'Small tests before large budgets'],
  ['Competitor watch', 'Recon', 30, null, 2, 'Medium', 'Know what rivals do, weekly'],
] as const;

export const maneuverCount = maneuvers.length;
export const agentNames = agents.map(({ name }) => name);
export const activeAgents = agentNames.filter((name) => !retiredAgents.includes(name));
export { agentsOf };

/** Returns the rows that all workspaces share: dictionaries and the agents. */
export function dictionaryRows(demo: Demo): Record<string, Row[]> {
  const born = demo.ago(400);
  return {
    journey_stages: journeyStages.map(([id, name, description], index) => ({
      id,
      name,
      description,
      sort_order: index + 1,
      created_at: born,
    })),
    channel_roles: channelRoles.map(([id, name, description]) => ({
      id,
      name,
      description,
      created_at: born,
    })),
    maneuver_types: maneuvers.map(
      ([name, category, days, fogg, intensity, risk, description], n) => ({
        id: demo.id('maneuver_types', n),
        name,
        category,
        base_duration_days: days,
        fogg_role: fogg,
        intensity_score: intensity,
        risk_profile: risk,
        description,
        default_config: { reviewEveryDays: Math.ceil(days / 4), channels: intensity > 5 ? 3 : 1 },
        created_at: demo.ago(400 - n),
      }),
    ),
    agent_registry: agentRows(demo),
    agent_capabilities: capabilityRows(demo),
  };
}

function agentRows(demo: Demo): Row[] {
  const random = demo.random('agents');
  return agents.map(({ name, purpose, type, index }, n) => {
    const guild = at(
      guilds.filter((guild) => guild.type === type),
      0,
    );
    const success = random.decimal(91, 99.4);
    const retired = retiredAgents.includes(name);
    return {
      id: demo.id('agent_registry', name),
      agent_name: name,
      agent_type: type,
      guild_name: guild.name,
      description: `${purpose}. Works for the ${guild.name}.`,
      purpose,
      domain_expertise: name.split('-').slice(1),
      model_config: {
        model: type === 'lord' ? 'large' : at(['small', 'medium'], index),
        temperature: type === 'creative' ? 0.9 : 0.2,
        maxTokens: 4096,
      },
      system_prompt: `You are ${name}. ${purpose}. Name your sources and say what you do not know.`,
      personality_traits: random.sample(guild.traits, 2),
      supported_inputs: guild.inputs,
      supported_outputs: guild.outputs,
      tool_access: guild.tools,
      avg_execution_time_seconds: random.int(4, 95),
      success_rate_percentage: success,
      error_rate_percentage: Number((100 - success).toFixed(2)),
      cost_per_execution: random.decimal(0.2, 9.5),
      is_active: !retired,
      version: `${random.int(1, 3)}.${random.int(0, 9)}`,
      release_date: demo.day(-380 + n),
      deprecated_date: retired ? demo.day(-30) : null,
      created_at: demo.ago(380 - n),
      updated_at: demo.ago(random.int(1, 20)),
    };
  });
}

function capabilityRows(demo: Demo): Row[] {
  const random = demo.random('capabilities');
  return agents.flatMap(({ name, type, index }) => {
    const known = capabilities[type];
    const count = index % 4 === 0 ? 3 : 2;
    return Array.from({ length: count }, (_, n) => {
      const capability = at(known, index + n);
      return {
        id: demo.id('agent_capabilities', name, capability.name),
        agent_id: demo.id('agent_registry', name),
        capability_name: capability.name,
        description: capability.description,
        category: capability.category,
        subcategory: capability.sub,
        input_types: ['text', ...(n === 0 ? ['json'] : ['url'])],
        output_types: type === 'creative' ? ['text', 'image'] : ['json', 'text'],
        external_apis: capability.apis,
        required_permissions: [`${capability.category}:read`, `${type}:run`],
        typical_execution_time_seconds: random.int(3, 90),
        typical_token_usage: random.int(400, 9000),
        typical_cost: random.decimal(0.1, 6),
        success_rate_percentage: random.decimal(90, 99.5),
        is_enabled: !(n === 1 && index % 9 === 8),
        configuration: { retries: 2, timeoutSeconds: 120 },
        parameter_schema: {
          type: 'object',
          required: ['brief'],
          properties: { brief: { type: 'string' }, language: { type: 'string', default: 'en' } },
        },
        created_at: demo.ago(300 - index),
        updated_at: demo.ago(random.int(1, 60)),
      };
    });
  });
}
