import { CheckProblem } from './check-problem.ts';
import { ciTarget, type Target } from './ci-targets.ts';
import type { Git } from './git.ts';
import type { Variables } from './variables.ts';

/** A commit to compare with, and why it is this one. */
export interface BaseCommit {
  id: string;
  /** Completes "compared with". */
  description: string;
  note?: string;
}

const MORE_HISTORY =
  'This clone is shallow. Fetch its history: git fetch --unshallow; in GitHub Actions fetch-depth: 0, in GitLab GIT_DEPTH: 0.';
const NO_DEFAULT_BRANCH =
  'No default branch is known here (neither of origin, nor main or master). If this branch is longer than what is compared, name a base with --base.';
const NAME_ONE = 'Or name a base: --base <commit | file | URL>.';

/** Returns the commit that the working tree is compared with if none is named. Throws CheckProblem. */
export function findBaseCommit(git: Git, variables: Variables): BaseCommit {
  if (!git.line('rev-parse', '--git-dir')) {
    throw new CheckProblem(
      'There is no git repository here, so that nothing is known of the schema before. Name a base: --base <file | URL>.',
    );
  }
  if (!git.commit('HEAD')) {
    throw new CheckProblem(
      'There is no commit yet, so that there is nothing to compare with. Commit first, or name a base: --base <file | URL>.',
    );
  }
  const target = ciTarget(variables);
  if (target?.kind === 'commit') return namedByCi(git, target);
  if (target) {
    return mergeBase(git, targetBranch(git, target), `${target.name} (${target.variable})`);
  }
  const branch = defaultBranch(git);
  if (branch) return mergeBase(git, branch, branch);
  return { ...earlier(git), note: NO_DEFAULT_BRANCH };
}

/** Returns the commit that is named. Throws CheckProblem if there is none. */
export function namedCommit(git: Git, name: string): BaseCommit {
  const inside = git.line('rev-parse', '--git-dir') !== undefined;
  const id = inside ? git.commit(name) : undefined;
  if (!id) throw new CheckProblem(unknownBase(name, inside, inside && git.isShallow()));
  const description = id.startsWith(name) ? `commit ${short(id)}` : `${name} (${short(id)})`;
  return { id, description, ...headItself(git, id) };
}

function unknownBase(name: string, inside: boolean, shallow: boolean): string {
  if (!inside) return `"${name}" is no file, and there is no git repository here.`;
  const advice = shallow ? MORE_HISTORY : `Is it fetched? Try: git fetch origin ${name}`;
  return `"${name}" is neither a file nor a commit, branch or tag here. ${advice}`;
}

function namedByCi(git: Git, { variable, name }: Target): BaseCommit {
  const id = git.commit(name);
  if (id) return { id, description: `${short(id)} (${variable})`, ...headItself(git, id) };
  const advice = git.isShallow() ? MORE_HISTORY : `Fetch it: git fetch origin ${name}`;
  throw new CheckProblem(
    `The commit ${short(name)} that ${variable} names is not in this clone. ${advice}`,
  );
}

function targetBranch(git: Git, { variable, name }: Target): string {
  const known = [`refs/remotes/origin/${name}`, `refs/heads/${name}`].find((ref) =>
    git.commit(ref),
  );
  if (known) return known.replace(/^refs\/(remotes|heads)\//, '');
  throw new CheckProblem(
    `The branch "${name}" that ${variable} names is not in this clone. Fetch it: git fetch origin +refs/heads/${name}:refs/remotes/origin/${name}; in GitHub Actions set fetch-depth: 0. ${NAME_ONE}`,
  );
}

/** Where the branch of HEAD began; for a commit of the other branch itself, what was before it. */
function mergeBase(git: Git, branch: string, shown: string): BaseCommit {
  const id = git.line('merge-base', branch, 'HEAD');
  // Some CI services name a target for pushes too.
  if (id && id === git.commit('HEAD')) return earlier(git);
  if (id) return { id, description: `${short(id)}, the merge base with ${shown}` };
  const reason = `HEAD and ${shown} have no commit in common here.`;
  const advice = git.isShallow() ? MORE_HISTORY : 'Merge it, or rebase onto it.';
  throw new CheckProblem(`${reason} ${advice} ${NAME_ONE}`);
}

function headItself(git: Git, id: string): { note?: string } {
  if (id !== git.commit('HEAD')) return {};
  return { note: 'The base is HEAD itself, so that only uncommitted changes are compared.' };
}

/** The default branch of the remote, else a local one of the usual names. */
function defaultBranch(git: Git): string | undefined {
  const remote = git.line('symbolic-ref', '--quiet', '--short', 'refs/remotes/origin/HEAD');
  if (remote && git.commit(`refs/remotes/${remote}`)) return remote;
  return ['origin/main', 'origin/master', 'main', 'master'].find((name) =>
    git.commit(name.startsWith('origin/') ? `refs/remotes/${name}` : `refs/heads/${name}`),
  );
}

/** The last release before HEAD, else the commit before it. */
function earlier(git: Git): BaseCommit {
  const parent = git.commit('HEAD^');
  const tag = parent && git.line('describe', '--tags', '--abbrev=0', '--match', 'v[0-9]*', 'HEAD^');
  const released = tag && git.commit(`refs/tags/${tag}`);
  if (released) return { id: released, description: `${tag}, the last release` };
  if (parent) return { id: parent, description: `${short(parent)}, the commit before HEAD` };
  if (git.isShallow()) {
    throw new CheckProblem(`There is no commit before HEAD here. ${MORE_HISTORY} ${NAME_ONE}`);
  }
  throw new CheckProblem(
    'This is the first commit, so that there is nothing to compare with. For what is not committed: --base HEAD. Else name a file or an endpoint: --base <file | URL>.',
  );
}

const short = (id: string) => (/^[0-9a-f]{40}$/.test(id) ? id.slice(0, 10) : id);
