import { describe } from './descriptor.ts';

export const Asset = describe('Asset', {
  root: 'assets',
  writer: 'Creator',
  columns: [
    'id',
    'workspaceId',
    'moveId',
    'icpId',
    'name',
    'type',
    'status',
    'url',
    'filePath',
    'thumbnailUrl',
    'description',
    'tags',
    'metadata',
    'createdById',
    'createdAt',
    'updatedAt',
    'publishedAt',
    'createdByAgentName',
    'reviewedByAgentNames',
    'agentDebateId',
    'experimentId',
    'experimentVariant',
    'patternId',
  ],
  searched: ['name', 'description', 'tags'],
  links: {
    reviewedByAgents: { column: 'reviewedByAgentNames', to: 'Agent', by: 'agentName' },
    createdByAgent: { column: 'createdByAgentName', to: 'Agent', by: 'agentName' },
  },
  stateMachine: 'status',
  writes: { readOnly: ['createdByAgentName', 'publishedAt'] },
});

export const VisualDesign = describe('VisualDesign', {
  root: 'visualDesigns',
  writer: 'Creator',
  columns: [
    'id',
    'workspaceId',
    'briefId',
    'channel',
    'format',
    'mood',
    'colorPalette',
    'composition',
    'elements',
    'canvaTemplateId',
    'canvaTemplateName',
    'imageGenPrompt',
    'imageGenModel',
    'aspectRatio',
    'designNotes',
    'createdAt',
    'createdByAgentName',
  ],
  links: {
    createdByAgent: { column: 'createdByAgentName', to: 'Agent', by: 'agentName' },
  },
  writes: { readOnly: ['createdByAgentName'] },
});

export const VisualDesignTemplate = describe('VisualDesignTemplate', {
  root: 'visualDesignTemplates',
  writer: 'Creator',
  columns: [
    'id',
    'workspaceId',
    'name',
    'channel',
    'format',
    'mood',
    'templateConfig',
    'successRate',
    'usageCount',
    'createdAt',
  ],
  writes: { readOnly: ['usageCount'] },
});

export const ContentAdaptation = describe('ContentAdaptation', {
  root: 'contentAdaptations',
  writer: 'Creator',
  columns: [
    'id',
    'workspaceId',
    'sourceAssetId',
    'targetChannel',
    'targetFormat',
    'sourceFormat',
    'adaptedBody',
    'adaptationRules',
    'qualityScore',
    'createdAt',
    'createdByAgentName',
  ],
  links: {
    createdByAgent: { column: 'createdByAgentName', to: 'Agent', by: 'agentName' },
  },
  writes: { readOnly: ['createdByAgentName'] },
});

export const AdaptationPattern = describe('AdaptationPattern', {
  root: 'adaptationPatterns',
  writer: 'Creator',
  columns: [
    'id',
    'workspaceId',
    'sourceFormat',
    'targetFormat',
    'patternData',
    'successRate',
    'usageCount',
    'createdAt',
  ],
  writes: { readOnly: ['usageCount'] },
});

export const ContentPattern = describe('ContentPattern', {
  root: 'contentPatterns',
  writer: 'Creator',
  columns: [
    'id',
    'workspaceId',
    'patternType',
    'patternName',
    'patternDescription',
    'performingAssetIds',
    'successRate',
    'recommendedForCohortIds',
    'recommendedForChannels',
    'usageCount',
    'createdAt',
    'updatedAt',
  ],
  links: {
    performingAssets: { column: 'performingAssetIds', to: 'Asset' },
    recommendedForCohorts: { column: 'recommendedForCohortIds', to: 'Cohort' },
  },
  writes: { readOnly: ['usageCount'] },
});
