import { type Demo, danglingId, type WorkspaceDemo } from '../demo.ts';
import { agentsOf } from '../dictionaries/index.ts';
import { at } from '../random.ts';
import type { Row } from '../writer.ts';

const moods = ['calm', 'lively', 'documentary', 'festive'];
const formats = ['square', 'story', 'banner', 'poster'];
const palettes = [
  ['#3b2417', '#c89b6c', '#f4ece2'],
  ['#0f2747', '#3f7cac', '#e8f1f8'],
  ['#7a3e9d', '#f2a541', '#fff7e8'],
];

/** Returns the templates and patterns that every workspace may use. */
export function sharedContentRows(demo: Demo): Record<string, Row[]> {
  return {
    visual_design_templates: formats.map((format, n) => ({
      id: demo.id('visual_design_templates', 'shared', n),
      workspace_id: null,
      name: `Plain ${format}`,
      channel: at(['instagram', 'email', 'linkedin'], n),
      format,
      mood: 'calm',
      template_config: { margins: 24, headline: { lines: 2 }, safeArea: true },
      success_rate: 0.6 + n * 0.05,
      usage_count: 140 - n * 23,
      created_at: demo.ago(360 - n),
    })),
    adaptation_patterns: [
      ['blog_post', 'social_post'],
      ['video', 'email'],
      ['whitepaper', 'blog_post'],
    ].map(([source, target], n) => ({
      id: demo.id('adaptation_patterns', 'shared', n),
      workspace_id: null,
      source_format: source ?? null,
      target_format: target ?? null,
      pattern_data: { keep: ['claim', 'source'], drop: ['introduction'], length: 120 + n * 80 },
      success_rate: 0.7 - n * 0.08,
      usage_count: 90 - n * 11,
      created_at: demo.ago(350 - n),
    })),
  };
}

export function contentRows(workspace: WorkspaceDemo) {
  return {
    content_patterns: patternRows(workspace),
    assets: assetRows(workspace),
    visual_designs: designRows(workspace),
    visual_design_templates: templateRows(workspace),
    content_adaptations: adaptationRows(workspace),
    adaptation_patterns: adaptationPatternRows(workspace),
  } satisfies Record<string, Row[]>;
}

function assetRows({ demo, story, id, row, random, count, person }: WorkspaceDemo): Row[] {
  const numbers = random('assets');
  return Array.from({ length: count(36) }, (_, n): Row => {
    const template = at(story.assets, n);
    const round = Math.floor(n / story.assets.length);
    const status = at(
      ['published', 'approved', 'review', 'draft', 'published', 'archived'],
      n + round,
    );
    const path = `${template.type}/${n + 1}`;
    const age = 3 + round * 24 + (n % 10) * 2;
    const tested = n < story.experiments.length * 2;
    return {
      id: row('assets', n),
      workspace_id: id,
      move_id: row('moves', (n * 3) % count(24)),
      icp_id: n % 5 === 4 ? null : row('cohorts', n % story.cohorts.length),
      name: round === 0 ? template.name : `${template.name} (${at(story.cities, n + round)})`,
      type: template.type,
      status,
      url: status === 'published' ? `https://${story.slug}.example/${path}` : null,
      file_path: `${story.slug}/${path}`,
      thumbnail_url: `https://cdn.example.com/${story.slug}/${n + 1}.jpg`,
      description: `${template.name}, for ${at(story.cohorts, n).name.toLowerCase()}.`,
      tags: [at(story.channels, n), at(story.messages, n).topics[0] ?? 'general'],
      metadata: { words: numbers.int(60, 1800), language: 'en', revision: round + 1 },
      created_by: person('Creator'),
      created_at: demo.ago(age),
      updated_at: demo.ago(age - 2),
      published_at: status === 'published' || status === 'archived' ? demo.ago(age - 1) : null,
      created_by_agent: n % 3 === 0 ? at(agentsOf('creative'), n) : null,
      reviewed_by_agents: ['guard-fact-checker', at(agentsOf('guardian'), n + 1)],
      agent_debate_id: n % 7 === 2 ? row('agent_debates', n % story.debates.length) : null,
      experiment_id: tested ? row('experiments', Math.floor(n / 2)) : null,
      experiment_variant: tested ? at(['A', 'B'], n) : null,
      pattern_id: n % 4 === 1 ? row('content_patterns', n % 4) : null,
    };
  });
}

function patternRows({ demo, story, id, row, random }: WorkspaceDemo): Row[] {
  const numbers = random('content_patterns');
  const patterns = [
    ['opening', 'A number in the first line', 'The first sentence states a number with its source'],
    ['structure', 'Question, doubt, answer', 'Names the doubt before the benefit'],
    ['picture', 'Hands at work', 'A close view of hands, no faces'],
    ['ending', 'One action only', 'A single request, repeated once'],
  ] as const;
  return patterns.map(([type, name, description], n) => ({
    id: row('content_patterns', n),
    workspace_id: id,
    pattern_type: type,
    pattern_name: name,
    pattern_description: description,
    performing_assets: [row('assets', n), row('assets', n + 4), ...(n === 0 ? [danglingId] : [])],
    success_rate: numbers.decimal(0.42, 0.83),
    recommended_for_cohorts: [row('cohorts', n % story.cohorts.length)],
    recommended_for_channels: numbers.sample(story.channels, 2),
    usage_count: numbers.int(4, 60),
    created_at: demo.ago(120 - n * 9),
    updated_at: demo.ago(14 - n),
  }));
}

function designRows({ demo, story, id, row, random, count }: WorkspaceDemo): Row[] {
  const numbers = random('visual_designs');
  return Array.from({ length: count(10) }, (_, n) => ({
    id: row('visual_designs', n),
    workspace_id: id,
    brief_id: demo.id('briefs', story.slug, n),
    channel: at(story.channels, n),
    format: at(formats, n),
    mood: at(moods, n),
    color_palette: at(palettes, n),
    composition: at(['Subject left, text right', 'Centred, wide margins', 'Grid of three'], n),
    elements: ['headline', at(['product', 'hands', 'landscape'], n), 'logo'],
    canva_template_id: n % 2 === 0 ? `DAF${numbers.int(10_000, 99_999)}` : null,
    canva_template_name: n % 2 === 0 ? `${at(formats, n)} ${at(moods, n)}` : null,
    image_gen_prompt:
      n % 2 === 1 ? `${at(story.products, n)}, ${at(moods, n)}, morning light` : null,
    image_gen_model: n % 2 === 1 ? 'studio-3' : null,
    aspect_ratio: at(['1:1', '9:16', '16:9', '3:4'], n),
    design_notes: { contrast: 'AA', altText: `${at(story.products, n)} on a table` },
    created_at: demo.ago(4 + n * 5),
    created_by_agent: at(agentsOf('creative'), n + 4),
  }));
}

function templateRows({ demo, story, id, row, random }: WorkspaceDemo): Row[] {
  const numbers = random('visual_design_templates');
  return formats.slice(0, 2).map((format, n) => ({
    id: row('visual_design_templates', n),
    workspace_id: id,
    name: `${at(story.products, n)} ${format}`,
    channel: at(story.channels, n),
    format,
    mood: at(moods, n + 1),
    template_config: { palette: at(palettes, n), logo: 'bottom right' },
    success_rate: numbers.decimal(0.5, 0.9),
    usage_count: numbers.int(3, 40),
    created_at: demo.ago(90 - n * 11),
  }));
}

function adaptationRows({ demo, story, id, row, random, count }: WorkspaceDemo): Row[] {
  const numbers = random('content_adaptations');
  return Array.from({ length: count(10) }, (_, n) => ({
    id: row('content_adaptations', n),
    workspace_id: id,
    source_asset_id: row('assets', n),
    target_channel: at(story.channels, n + 1),
    target_format: at(['social_post', 'email', 'story'], n),
    source_format: at(story.assets, n).type,
    adapted_body:
      `${at(story.messages, n).primary} ${at(story.messages, n).secondary[0] ?? ''}`.trim(),
    adaptation_rules: { maxCharacters: at([280, 900, 120], n), keepClaims: true },
    quality_score: numbers.decimal(0.55, 0.97),
    created_at: demo.ago(2 + n * 4),
    created_by_agent: n % 2 === 0 ? 'muse-caption-crafter' : 'muse-translator',
  }));
}

function adaptationPatternRows({ demo, story, id, row, random }: WorkspaceDemo): Row[] {
  const numbers = random('adaptation_patterns');
  return story.channels.slice(0, 2).map((channel, n) => ({
    id: row('adaptation_patterns', n),
    workspace_id: id,
    source_format: at(story.assets, n).type,
    target_format: channel,
    pattern_data: { opening: 'question', length: numbers.int(60, 220) },
    success_rate: numbers.decimal(0.4, 0.9),
    usage_count: numbers.int(2, 30),
    created_at: demo.ago(70 - n * 13),
  }));
}
