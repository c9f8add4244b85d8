import type { Example } from './write-examples.ts';

/** Tabs that ask how many, how much and where, rather than for rows. */
export const questionExamples: readonly Example[] = [
  {
    query: `# How many alerts a week, by severity, and how long it took until somebody took them on.
query AlertsByWeek {
  systemAlertsAggregate(
    groupBy: [
      { severityLevel: {} }
      { createdAt: { bucket: WEEK, timeZone: "Asia/Kolkata" } }
    ]
    orderBy: [{ count: DESC }]
    first: 10
  ) {
    totalGroups
    groups {
      key {
        severityLevel
        createdAt
      }
      count
      active: count(filter: { status: { equals: ACTIVE } })
      between(from: TRIGGERED_AT, to: ACKNOWLEDGED_AT) {
        p50
      }
    }
  }
}
`,
  },
  {
    query: `# Words, beginnings of words and misspelt words, in rows of several types, best first.
query Search {
  search(text: "malabr", first: 5) {
    totalCount
    totals {
      type
      totalCount
    }
    isApproximate
    edges {
      type
      node {
        ... on Campaign {
          name
          status
        }
        ... on SystemAlert {
          title
          severityLevel
        }
      }
      snippets {
        field
        parts {
          text
          isMatch
        }
      }
    }
  }
}
`,
  },
];
