/** The check cannot be made. The message says what to do, and is all that is shown. */
export class CheckProblem extends Error {
  override readonly name = 'CheckProblem';
}
