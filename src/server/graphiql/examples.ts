import { questionExamples } from './question-examples.ts';
import { type Example, writeExamples } from './write-examples.ts';

/** The tabs that GraphiQL opens with; each runs as it is in the demo's first workspace. */
export const examples: readonly Example[] = [
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
  ...questionExamples,
  ...writeExamples,
  {
    query: `# Alerts as they are raised, by anyone, until you stop it or change the tab.
subscription Live {
  alertRaised(filter: { severityLevel: { in: [HIGH, CRITICAL] } }) {
    occurredAt
    node {
      title
      severityLevel
      status
    }
    cursor
  }
}
`,
  },
  {
    query: `# A dashboard that keeps itself up to date, until you stop it or change the tab.
query LiveDashboard @live {
  systemAlerts(first: 5, filter: { status: { equals: ACTIVE } }) {
    totalCount
    nodes {
      title
      severityLevel
    }
  }
  campaigns(first: 5) {
    nodes {
      name
      status
      health {
        state
        completedQuestCount
        questCount
      }
    }
  }
}
`,
  },
  {
    query: `# What you may do here, and the status of the newest campaigns.
query Permissions {
  viewer {
    role
    permissions {
      type
      read
      create
      update
      delete
      functions
    }
  }
  campaigns(first: 3) {
    nodes {
      name
      allowedTransitions
      history(first: 3) {
        nodes {
          occurredAt
          operation
          actor {
            fullName
          }
          agentName
          changedColumns
        }
      }
    }
  }
}
`,
  },
];
