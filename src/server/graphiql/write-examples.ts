/** A tab of GraphiQL. */
export interface Example {
  query: string;
  variables?: Record<string, unknown>;
}

/** Writes, which all are dry runs. */
export const writeExamples: readonly Example[] = [
  {
    query: `# A campaign with its quests, or nothing of it. dryRun does everything and keeps none of it.
mutation Campaign {
  createCampaign(
    dryRun: true
    input: {
      name: "Monsoon roast"
      startDate: "2026-12-01"
      budgetAllocation: "250000.50"
      quests: [
        { name: "Shoot the film", questOrder: 1 }
        { name: "Show it", questOrder: 2 }
      ]
    }
  ) {
    campaign {
      name
      status
      allowedTransitions
      quests(orderBy: [{ field: QUEST_ORDER }]) {
        nodes {
          name
          status
        }
      }
    }
    errors {
      __typename
      message
      path
    }
  }
}
`,
  },
  {
    query: `# Achievements, who has them, and the leaderboard. Points come from unlocking alone.
query Achievements {
  achievements(first: 5, orderBy: [{ field: POINTS_REWARD, direction: DESC }]) {
    nodes {
      name
      pointsReward
      userAchievements {
        nodes {
          isLocked
          progressPercentage
          user {
            fullName
          }
        }
      }
    }
  }
  userStatsList(first: 5, orderBy: [{ field: TOTAL_POINTS, direction: DESC }]) {
    nodes {
      user {
        fullName
      }
      totalPoints
      experienceLevel
      badgesEarned
    }
  }
}
`,
  },
  {
    query: `# A signal that somebody saw; prioritySignals and activeInsights list signals and insights.
mutation Signal {
  recordSignal(
    title: "A rival raises its price"
    source: COMPETITOR
    category: COMPETITOR_ACTIVITY
    confidence: "90"
    relevance: "85"
    keyFindings: ["Beans are expensive this year"]
    dryRun: true
  ) {
    intelligenceSignal {
      signalTitle
      actionStatus
      allowedTransitions
      createdBy {
        fullName
      }
    }
    errors {
      __typename
      message
      path
    }
  }
}
`,
  },
  {
    query: `# An alert is raised; without dryRun, acknowledgeAlert and resolveAlert would come next, and
# the tab Live of another window would show it.
mutation Alert($data: JSON, $dryRun: Boolean) {
  raiseAlert(
    title: "Unsubscribes doubled"
    type: ANOMALY
    severity: CRITICAL
    dataPoints: $data
    dryRun: $dryRun
  ) {
    systemAlert {
      title
      severityLevel
      status
      allowedTransitions
      dataPoints
    }
    errors {
      __typename
      message
      path
    }
  }
}
`,
    variables: { data: { yesterday: 40, today: 83 }, dryRun: true },
  },
];
