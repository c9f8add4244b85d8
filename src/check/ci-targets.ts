import type { Variables } from './variables.ts';

/** Where CI services name the branch that a pull request is to be merged into. */
const TARGET_BRANCH = [
  // GitHub Actions, Gitea and Forgejo
  'GITHUB_BASE_REF',
  // GitLab
  'CI_MERGE_REQUEST_TARGET_BRANCH_NAME',
  // Bitbucket
  'BITBUCKET_PR_DESTINATION_BRANCH',
  // Jenkins
  'CHANGE_TARGET',
  'BUILDKITE_PULL_REQUEST_BASE_BRANCH',
  // Azure Pipelines
  'SYSTEM_PULLREQUEST_TARGETBRANCH',
  // Drone and Woodpecker
  'DRONE_TARGET_BRANCH',
  'CI_COMMIT_TARGET_BRANCH',
  // AWS CodeBuild
  'CODEBUILD_WEBHOOK_BASE_REF',
];

/** Variables that name the commit to compare with. */
const TARGET_COMMIT = ['CI_MERGE_REQUEST_DIFF_BASE_SHA'];

/** What a pull request is compared with, and the variable that says so. */
export interface Target {
  variable: string;
  /** A commit as it is; a branch by its name, without `refs/heads/`. */
  kind: 'commit' | 'branch';
  name: string;
}

/** Returns what CI says that the pull request is merged into; undefined outside of one. */
export function ciTarget(variables: Variables): Target | undefined {
  for (const variable of TARGET_COMMIT) {
    const name = variables(variable);
    if (name) return { variable, kind: 'commit', name };
  }
  for (const variable of TARGET_BRANCH) {
    const name = variables(variable)?.replace(/^refs\/heads\//, '');
    if (name) return { variable, kind: 'branch', name };
  }
  return undefined;
}
