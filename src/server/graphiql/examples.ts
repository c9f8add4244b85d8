/** The tabs that GraphiQL opens with; each runs as it is in the demo's first workspace. */
export const examples: readonly { query: string; variables?: Record<string, unknown> }[] = [
  {
    query: `# Who is asking, and where.
query Viewer {
  viewer {
    email
    role
    profile {
      fullName
    }
    workspace {
      name
      plan
    }
    memberships {
      role
      workspaceId
    }
  }
}
`,
  },
  {
    query: `# A dashboard in one request: each list is a page, each count is made only when asked for.
query Dashboard {
  campaigns(first: 20) {
    totalCount
    nodes {
      name
      status
      positioning {
        marketSegment
      }
      health {
        state
        questCount
        completedQuestCount
      }
      quests(first: 5, orderBy: [{ field: QUEST_ORDER }]) {
        nodes {
          name
          status
        }
      }
      cohortLinks {
        nodes {
          allocationPercentage
          cohort {
            name
          }
        }
      }
      alerts(filter: { status: { equals: ACTIVE } }) {
        totalCount
      }
    }
  }
}
`,
  },
  {
    query: `# Filters are typed per column and reach one relation far. The variables page on with \`after\`.
query Alerts($filter: SystemAlertFilter, $after: String) {
  systemAlerts(
    first: 10
    after: $after
    filter: $filter
    orderBy: [{ field: SEVERITY_LEVEL }, { field: CREATED_AT, direction: DESC }]
  ) {
    totalCount
    edges {
      cursor
      node {
        title
        severityLevel
        status
        createdAt
        triggeredByAgent {
          agentName
          guildName
        }
        relatedCampaign {
          name
        }
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`,
    variables: {
      filter: {
        severityLevel: { in: ['CRITICAL', 'HIGH'] },
        not: { status: { equals: 'DISMISSED' } },
      },
    },
  },
  {
    query: `# From signals to insights: stored lists of ids are relations too.
query Insights {
  marketInsights(first: 5, filter: { insightStatus: { equals: ACTIVE } }) {
    nodes {
      insightTitle
      insightType
      confidenceScore
      sourceSignals {
        signalTitle
        confidenceScore
        relevanceScore
        relatedCompetitors {
          name
        }
      }
      relevantForCampaigns {
        name
        status
      }
    }
  }
}
`,
  },
  {
    query: `# The agents of the registry, and how they did in this workspace.
query Agents {
  agents(first: 5, filter: { isActive: { equals: true } }, orderBy: [{ field: AGENT_NAME }]) {
    nodes {
      agentName
      agentType
      capabilities(first: 3) {
        nodes {
          capabilityName
          category
        }
      }
      dailyPerformance {
        measurementDate
        executionCount
        successRatePercentage
        totalCostIncurred
      }
    }
  }
}
`,
  },
];
