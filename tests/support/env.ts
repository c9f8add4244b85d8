const { TEST_DATABASE_URL, STRESS_ROUNDS, STRESS_MUTATIONS, ACCELERATORS, CI } = process.env;

/** The environment of a test run; tests read it nowhere else. */
export const testEnv = {
  /** A superuser's connection string to the server that tests use; unset, they start their own. */
  serverUrl: TEST_DATABASE_URL || undefined,
  /** How often tests of concurrency repeat a race. */
  stressRounds: Number(STRESS_ROUNDS || 2),
  /** How many mutations tests of bad input and of crashes send; unset, a few hundred. */
  stressMutations: Number(STRESS_MUTATIONS || 300),
  /** Whether gateways of tests compile queries. */
  accelerated: ACCELERATORS !== 'false',
  /** In CI a test fails if something that it needs is missing; elsewhere it is skipped with a message. */
  ci: Boolean(CI),
};
