/** The tabs that GraphiQL opens with; each runs as it is in the demo's first workspace. */
export const examples: readonly { query: string; variables?: Record<string, unknown> }[] = [
  {
    query: `# Who is asking, and where.
query Viewer {
  viewer {
    id
    email
  }
}
`,
  },
];
