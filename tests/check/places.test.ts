import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Git } from '../../src/check/git.ts';
import { Places } from '../../src/check/places.ts';
import { newRepository, type Repository } from './repository.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('a coordinate of the schema leads to the line that it comes from', () => {
  let places: Places;
  beforeAll(() => {
    places = new Places({
      folder: ROOT,
      git: new Git(ROOT),
      commit: undefined,
      schemaFile: 'schema.graphql',
      headText: readFileSync(join(ROOT, 'schema.graphql'), 'utf8'),
    });
  });

  it.each([
    ['Campaign', 'src/models/campaigns.ts', "describe('Campaign', {"],
    ['Campaign.objective', 'prisma/models/campaigns.prisma', '  objective '],
    ['CampaignCreateInput.objective', 'prisma/models/campaigns.prisma', '  objective '],
    ['CampaignQuest.objective', 'prisma/models/campaigns.prisma', '  objective '],
    ['CampaignStatus', 'prisma/models/campaigns.prisma', 'enum CampaignStatus {'],
    ['CampaignStatus.DRAFT', 'prisma/models/campaigns.prisma', '  draft'],
    ['CampaignState.ENDED', 'src/schema/campaigns.ts', '    ENDED: '],
    ['CampaignHealth.state', 'prisma/models/campaigns.prisma', '  state '],
    ['CohortLinkInput.cohortId', 'src/schema/campaigns-mutations.ts', '    cohortId: '],
    ['Query.campaigns(first:)', 'src/models/campaigns.ts', "root: 'campaigns'"],
    ['Query.campaign', 'src/models/campaigns.ts', "describe('Campaign', {"],
    ['Mutation.createCampaignQuests', 'src/models/campaigns.ts', "describe('CampaignQuest', {"],
    ['Mutation.completeQuest', 'src/schema/campaigns-mutations.ts', "('completeQuest', {"],
    ['Subscription.campaignChanged', 'src/models/campaigns.ts', "describe('Campaign', {"],
    ['@live', 'src/schema/live-directive.ts', "name: 'live'"],
    ['@live(if:)', 'schema.graphql', 'if: Boolean'],
    ['PageInfo.endCursor', 'schema.graphql', 'endCursor: String'],
    ['SearchResult.Agent', 'schema.graphql', 'union SearchResult = Agent'],
  ])('%s: %s', (path, file, text) => {
    const place = places.of(path);
    expect(place?.file).toBe(file);
    const lines = readFileSync(join(ROOT, file), 'utf8').split('\n');
    expect(lines[(place?.line ?? 0) - 1]).toContain(text);
  });

  it('and one that is nowhere leads to its type, or to nothing', () => {
    expect(places.of('Campaign.gone')).toEqual(places.of('Campaign'));
    expect(places.of('Gone.gone')).toBeUndefined();
  });
});

describe('what is gone leads to where it was', () => {
  let repository: Repository;
  const placesNow = (schema: string) =>
    new Places({
      folder: repository.folder,
      git: new Git(repository.folder),
      commit: repository.git('rev-parse', 'HEAD'),
      schemaFile: 'schema.graphql',
      headText: schema,
    });
  const model = (name: string, ...columns: string[]) =>
    [
      `export const ${name} = describe('${name}', {`,
      '  columns: [',
      ...columns,
      '  ],',
      '});',
      '',
    ].join('\n');

  beforeAll(() => {
    repository = newRepository();
    repository.write('src/models/a.ts', model('Other', "    'dueDate',"));
    repository.write(
      'src/models/b.ts',
      model('Move', "    'id',", "    'dueDate',", "    'name',"),
    );
    repository.write('prisma/models/b.prisma', 'enum Kind {\n  one\n  two\n}\n');
    repository.commit('type Query { a: Int }');
    // Whatever the person has set, the diff is read.
    repository.git('config', 'diff.noprefix', 'true');
    repository.write('src/models/a.ts', model('Other'));
    repository.write('src/models/b.ts', model('Move', "    'id',", "    'name',"));
    repository.write('prisma/models/b.prisma', 'enum Kind {\n  one\n}\n');
  });
  afterAll(() => repository.remove());

  it.each([
    ['Move.dueDate', { file: 'src/models/b.ts', line: 3 }],
    ['MoveOrderField.DUE_DATE', { file: 'src/models/b.ts', line: 3 }],
    ['Other.dueDate', { file: 'src/models/a.ts', line: 2 }],
    ['Kind.TWO', { file: 'prisma/models/b.prisma', line: 2 }],
    ['Missing.field', undefined],
  ])('%s: %o', (path, place) => {
    expect(placesNow('type Move {\n  id: Int\n}\n').of(path)).toEqual(place);
  });
});
