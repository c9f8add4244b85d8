import { model } from './model/model.ts';

export const Asset = model('Asset', {
  root: 'assets',
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
  one: ['move', 'experiment', 'pattern', 'workspace', 'icp', 'agentDebate'],
  many: ['adaptations'],
  people: ['createdBy'],
  links: {
    reviewedByAgents: { column: 'reviewedByAgentNames', to: 'Agent', by: 'agentName' },
    createdByAgent: { column: 'createdByAgentName', to: 'Agent', by: 'agentName' },
  },
  stateMachine: 'status',
  writes: { readOnly: ['createdByAgentName', 'publishedAt'] },
});

export const VisualDesign = model('VisualDesign', {
  root: 'visualDesigns',
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
  one: ['workspace'],
  links: {
    createdByAgent: { column: 'createdByAgentName', to: 'Agent', by: 'agentName' },
  },
  writes: { readOnly: ['createdByAgentName'] },
});

export const VisualDesignTemplate = model('VisualDesignTemplate', {
  root: 'visualDesignTemplates',
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
  one: ['workspace'],
  writes: { readOnly: ['usageCount'] },
});

export const ContentAdaptation = model('ContentAdaptation', {
  root: 'contentAdaptations',
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
  one: ['workspace', 'sourceAsset'],
  links: {
    createdByAgent: { column: 'createdByAgentName', to: 'Agent', by: 'agentName' },
  },
  writes: { readOnly: ['createdByAgentName'] },
});

export const AdaptationPattern = model('AdaptationPattern', {
  root: 'adaptationPatterns',
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
  one: ['workspace'],
  writes: { readOnly: ['usageCount'] },
});

export const ContentPattern = model('ContentPattern', {
  root: 'contentPatterns',
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
  one: ['workspace'],
  many: ['assets'],
  links: {
    performingAssets: { column: 'performingAssetIds', to: 'Asset' },
    recommendedForCohorts: { column: 'recommendedForCohortIds', to: 'Cohort' },
  },
  writes: { readOnly: ['usageCount'] },
});
