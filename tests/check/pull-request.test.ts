import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { approvalText, breaks } from '../../src/check/report.ts';
import { BROKEN, breaking, newRepository, type Repository, SCHEMA } from './repository.ts';

const APPROVAL = {
  rule: 'field-removed',
  path: 'Query.b',
  reason: 'No client selects it.',
  author: 'asha.rao@example.com',
  expires: '2026-12-31',
};

describe('a pull request that removes a field', () => {
  let repository: Repository;
  let main: string;
  const approve = (approval: object) =>
    repository.write('check.config.json', JSON.stringify({ approvals: [approval] }));

  beforeAll(() => {
    repository = newRepository();
    main = repository.git('rev-parse', 'HEAD');
    repository.git('checkout', '--quiet', '-b', 'feature');
    repository.commit(BROKEN);
    // The branch is longer than one commit, and main has moved on.
    repository.commit(BROKEN);
    repository.git('checkout', '--quiet', 'main');
    repository.commit(`${SCHEMA}type New { a: Int }\n`);
    repository.git('checkout', '--quiet', 'feature');
  });
  afterAll(() => repository.remove());

  it('fails, and names the field', async () => {
    const report = await repository.check();
    expect(breaking(report)).toEqual(['field-removed Query.b']);
    expect(breaks(report)).toBe(true);
    expect(report.base).toBe(`${main.slice(0, 10)}, the merge base with main`);
    // What main has besides is not missed.
    expect(report.findings).toHaveLength(1);
  });

  describe('in CI, where no branch is checked out', () => {
    beforeAll(() => void repository.git('checkout', '--quiet', '--detach'));
    afterAll(() => void repository.git('checkout', '--quiet', 'feature'));

    it.each([
      ['GITHUB_BASE_REF', 'main'],
      ['CI_MERGE_REQUEST_TARGET_BRANCH_NAME', 'main'],
      ['BITBUCKET_PR_DESTINATION_BRANCH', 'main'],
      ['CHANGE_TARGET', 'main'],
      ['BUILDKITE_PULL_REQUEST_BASE_BRANCH', 'main'],
      ['SYSTEM_PULLREQUEST_TARGETBRANCH', 'refs/heads/main'],
      ['DRONE_TARGET_BRANCH', 'main'],
      ['CI_COMMIT_TARGET_BRANCH', 'main'],
      ['CODEBUILD_WEBHOOK_BASE_REF', 'refs/heads/main'],
    ])('fails where only %s names the branch', async (name, value) => {
      const report = await repository.check([], { [name]: value });
      expect(breaking(report)).toEqual(['field-removed Query.b']);
      expect(report.base).toContain(`main (${name})`);
    });

    it('compares a push with the commit before it, although it names its own branch', async () => {
      const report = await repository.check([], { DRONE_TARGET_BRANCH: 'feature' });
      // The last commit changed nothing: what is compared is not HEAD itself.
      expect(report.base).toContain('the commit before HEAD');
    });
  });

  it('fails where GitLab names the commit', async () => {
    const variables = { CI_MERGE_REQUEST_DIFF_BASE_SHA: main };
    const report = await repository.check([], variables);
    expect(breaking(report)).toEqual(['field-removed Query.b']);
    expect(report.base).toContain('CI_MERGE_REQUEST_DIFF_BASE_SHA');
  });

  it('passes with an approval, on its last day too', async () => {
    approve(APPROVAL);
    const report = await repository.check([], {}, '2026-12-31');
    expect(breaks(report)).toBe(false);
    expect(report.notes).toEqual([]);
    expect(report.findings.map(approvalText)).toEqual([
      'Approved by asha.rao@example.com until 2026-12-31: No client selects it.',
    ]);
  });

  it('fails again when the approval has expired, with its text', async () => {
    approve(APPROVAL);
    const report = await repository.check([], {}, '2027-01-01');
    expect(breaking(report)).toEqual(['field-removed Query.b']);
    expect(report.findings.map(approvalText)).toEqual([
      'The approval by asha.rao@example.com expired on 2026-12-31. Its reason was: No client selects it.',
    ]);
  });

  it.each([{ path: 'Query.a' }, { rule: 'type-removed' }, { path: 'Query' }])(
    'fails with an approval of something else, and says that it is not used: %o',
    async (other) => {
      approve({ ...APPROVAL, ...other });
      const report = await repository.check();
      expect(breaking(report)).toEqual(['field-removed Query.b']);
      expect(report.notes).toEqual([expect.stringMatching(/^The approval of .* is not used/)]);
    },
  );

  it.each([
    [{ severities: { 'field-removed': 'dangerous' } }, ['dangerous']],
    [{ severities: { 'field-removed': 'off' } }, []],
    [{ ignore: ['Query.*'] }, []],
    [{ ignore: ['Query'] }, ['breaking']],
  ])('counts as the policy %o says', async (policy, severities) => {
    repository.write('check.config.json', JSON.stringify(policy));
    const { findings } = await repository.check();
    expect(findings.map(({ severity }) => severity)).toEqual(severities);
  });
});
