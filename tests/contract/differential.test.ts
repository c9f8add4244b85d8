import { afterAll, beforeAll, expect, it } from 'vitest';
import { compareReads } from '../differential/differential.ts';
import { createStage, type Stage } from '../differential/stage.ts';

const DOCUMENTS = 450;

let stage: Stage;
beforeAll(async () => {
  stage = await createStage();
});
afterAll(() => stage?.close());

it(`${DOCUMENTS} random queries have the same answer, compiled or executed`, {
  timeout: 300_000,
}, async () => {
  const { differences, compiled, byOutcome, requests } = await compareReads(stage, {
    seed: 'reads',
    documents: DOCUMENTS,
  });
  expect(differences).toEqual([]);
  // Enough queries are compiled and succeed. Otherwise the comparison would prove little.
  expect(compiled.alone + compiled.fast).toBeGreaterThan(requests / 2);
  expect(compiled.fast).toBeGreaterThan(requests / 20);
  expect(compiled.partly).toBeGreaterThan(0);
  expect(byOutcome.done).toBeGreaterThan(requests / 2);
  expect(byOutcome).not.toHaveProperty('INTERNAL_SERVER_ERROR');
  expect(byOutcome).not.toHaveProperty('GRAPHQL_VALIDATION_FAILED');
});
