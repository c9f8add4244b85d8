import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readPolicy } from '../../src/check/policy-file.ts';
import { rules } from '../../src/check/rules.ts';
import { newRepository, Repository } from './repository.ts';

const APPROVAL = {
  rule: 'field-removed',
  path: 'Query.b',
  reason: 'No client selects it.',
  author: 'asha.rao@example.com',
  expires: '2026-12-31',
};

let repository: Repository;
beforeAll(() => {
  repository = newRepository();
});
afterAll(() => repository.remove());

describe('a policy that is wrong says where, and what was probably meant', () => {
  it.each([
    [{ severity: {} }, /there is no "severity". Did you mean "severities"\?/],
    [
      { severities: { 'field-remved': 'safe' } },
      /no rule "field-remved". Did you mean "field-removed"/,
    ],
    [{ severities: { 'field-removed': 'danger' } }, /breaking, dangerous, safe, off/],
    [
      { approvals: [{ ...APPROVAL, rule: 'Field_Removed' }] },
      /approvals\[0\].rule: .*"field-removed"/,
    ],
    [
      { approvals: [{ ...APPROVAL, expire: '1' }] },
      /approvals\[0\]: .*"expire". Did you mean "expires"/,
    ],
    [
      { approvals: [{ ...APPROVAL, expires: '31.12.2026' }] },
      /approvals\[0\].expires: must be a day/,
    ],
    [{ approvals: [{ ...APPROVAL, expires: '2026-02-30' }] }, /expires: must be a day/],
    [{ approvals: [{ ...APPROVAL, reason: ' ' }] }, /approvals\[0\].reason: must not be empty/],
    [{ approvals: [{ ...APPROVAL, author: undefined }] }, /approvals\[0\].author/],
    [{ ignore: 'Query' }, /ignore: /],
    [[], /the policy: /],
  ])('%j', async (policy, message) => {
    repository.write('check.config.json', JSON.stringify(policy));
    expect(await repository.problem()).toMatch(message);
  });

  it('and a name that is like no other is only named', async () => {
    repository.write('check.config.json', JSON.stringify({ somethingElseEntirely: 1 }));
    expect(await repository.problem()).toMatch(/there is no "somethingElseEntirely"$/);
  });
});

describe('a policy file', () => {
  let folder: Repository;
  beforeEach(() => {
    folder = new Repository();
    return () => folder.remove();
  });
  const read = (named?: string) =>
    readPolicy(folder.folder, named, rules).catch((error: Error) => error.message);

  it('may be left out', async () => {
    expect(await read()).toEqual({ severities: {}, ignore: [], approvals: [] });
  });

  it.each([
    ['check.config.mjs', 'export default { ignore: ["A"] };'],
    ['check.config.js', 'module.exports = { ignore: ["A"] };'],
    ['check.config.json', '{ "ignore": ["A"] }'],
  ])('may be %s', async (file, text) => {
    folder.write(file, text);
    expect(await read()).toMatchObject({ ignore: ['A'] });
  });

  it('may be named', async () => {
    folder.write('other.json', '{ "ignore": ["A"] }');
    expect(await read('other.json')).toMatchObject({ ignore: ['A'] });
    expect(await read('missing.json')).toMatch(/no policy file missing.json/);
  });

  it.each([
    ['check.config.json', '{ "ignore": ', /cannot be loaded: .*JSON/],
    ['check.config.mjs', 'export default {', /cannot be loaded: /],
    ['check.config.mjs', 'export const policy = {};', /exports no policy/],
  ])('%s with the text %j is refused', async (file, text, message) => {
    folder.write(file, text);
    expect(await read()).toMatch(message);
  });

  it('is the only one', async () => {
    folder.write('check.config.json', '{}');
    folder.write('check.config.mjs', 'export default {};');
    expect(await read()).toMatch(/check.config.mjs and check.config.json: keep one/);
  });
});
