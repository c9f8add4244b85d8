import { schema } from '../../src/schema/index.ts';
import type { Answer } from '../server/support/gateway.ts';
import { Random } from '../torture/random.ts';
import { type Actor, Door } from './actors.ts';
import { Comparison, type Finding, type Found } from './compare.ts';
import { continued } from './continued.ts';
import { Coverage } from './coverage.ts';
import { Generator } from './generator.ts';
import { minimized } from './minimize.ts';
import { type Plan, type PlanPair, printPlan, type Request } from './plan.ts';
import type { FuzzWorld } from './world.ts';

/** Temporary errors, which do not depend on rows. */
const PASSING = /"(TIMEOUT|SERVICE_UNAVAILABLE|TOO_MANY_REQUESTS)"/;
/** Ties are broken by the random ids of new rows: how often to repeat until the orders agree. */
const TRIES = 6;

export interface FuzzOptions {
  seed: string;
  operations: number;
  /** Sends operations from this one on; earlier ones are only generated. */
  from?: number;
  /** A model at which operations begin; any, if left out. */
  about?: string | undefined;
  /** Ends before the next operation once it is aborted. */
  signal?: AbortSignal;
  /** Ends at the first problem. */
  stopsEarly?: boolean;
  onProgress?: (line: string) => void;
}

export interface Problem extends Finding {
  index: number;
  actor: string;
  request: Request;
}

export interface FuzzReport {
  seed: string;
  operations: number;
  /** Operations by sender. */
  byActor: Record<string, number>;
  /** Answers by the code of their first error, `done` for those without. */
  byOutcome: Record<string, number>;
  /** Fields of the schema, and those with a value in an answer. */
  fields: { reached: number; all: number; missing: string[] };
  seconds: number;
  problems: Problem[];
}

/** Sends random operations to both databases, and reports answers that differ or leak data. */
export async function fuzz(world: FuzzWorld, options: FuzzOptions): Promise<FuzzReport> {
  const begun = Date.now();
  const generator = new Generator(schema, world, options);
  const door = await Door.open(world);
  const session = new Session(door, new Comparison(world), new Coverage(schema));
  const actors = new Random(`${options.seed}/actors`);
  const problems: Problem[] = [];
  const report = (): FuzzReport => ({
    seed: options.seed,
    operations: session.operations,
    byActor: session.byActor,
    byOutcome: session.byOutcome,
    fields: session.coverage.summary(),
    seconds: (Date.now() - begun) / 1_000,
    problems,
  });
  try {
    while (session.operations < options.operations && !options.signal?.aborted) {
      const { index, plan, random } = generator.next();
      const actor = door.pick(actors.of(String(index)));
      if (index < (options.from ?? 0)) continue;
      const found = await session.run(actor, plan, (answered) =>
        continued(world, plan, answered, random),
      );
      if (found) {
        const small = options.stopsEarly
          ? found
          : await minimized(found, (plans) => session.check(actor, plans));
        problems.push({
          ...small.finding,
          index,
          actor: actor.name,
          request: printPlan(small.plans.whole),
        });
        options.onProgress?.(
          `Problem ${problems.length}: ${small.finding.kind}, operation ${index}`,
        );
        if (options.stopsEarly) break;
      }
      if (index % 500 === 499) options.onProgress?.(`${session.operations} operations`);
    }
    return report();
  } finally {
    await door.close();
  }
}

/** Sends plans to both databases, and counts them. */
class Session {
  readonly #door: Door;
  readonly #comparison: Comparison;
  readonly coverage: Coverage;
  readonly byActor: Record<string, number> = {};
  readonly byOutcome: Record<string, number> = {};
  operations = 0;

  constructor(door: Door, comparison: Comparison, coverage: Coverage) {
    this.#door = door;
    this.#comparison = comparison;
    this.coverage = coverage;
  }

  /** Sends an operation and then the next page; returns what is wrong with either. */
  async run(
    actor: Actor,
    plan: Plan,
    next: (answers: [Answer, Answer]) => PlanPair | undefined,
  ): Promise<Found | undefined> {
    const first: PlanPair = { whole: plan, alone: plan };
    const sent = await this.#ask(actor, first);
    if (sent.finding) return { finding: sent.finding, plans: first };
    const second = next(sent.answers);
    if (!second) return undefined;
    const { finding } = await this.#ask(actor, second);
    return finding && { finding, plans: second };
  }

  /** Sends plans again, without counting them. */
  async check(actor: Actor, plans: PlanPair): Promise<Finding | undefined> {
    return (await this.#compare(actor, plans)).finding;
  }

  async #ask(actor: Actor, plans: PlanPair) {
    const compared = await this.#compare(actor, plans);
    const [whole] = compared.answers;
    this.operations += 1;
    count(this.byActor, actor.name);
    count(this.byOutcome, String(whole.errors?.[0]?.extensions.code ?? 'done'));
    this.coverage.add(plans.whole, whole.data);
    return compared;
  }

  async #compare(actor: Actor, plans: PlanPair) {
    const pair = await this.#door.clients(actor);
    const requests = [printPlan(plans.whole), printPlan(plans.alone)];
    let finding: Finding | undefined;
    let answers: [Answer, Answer] | undefined;
    for (let n = 0; n < TRIES; n += 1) {
      const [whole, alone] = await Promise.all(
        pair.map((client, i) => client.ask(requests[i]?.query ?? '', requests[i]?.variables)),
      );
      if (!whole || !alone) throw new TypeError('Both are asked');
      answers = [whole, alone];
      finding = this.#comparison.leak(requests, whole);
      if (finding) break;
      finding = this.#comparison.difference(plans.whole, whole, alone);
      const mayPass = plans.whole.operation === 'mutation' || PASSING.test(whole.text + alone.text);
      if (finding?.kind !== 'difference' || !mayPass) break;
    }
    if (!answers) throw new TypeError('It is asked once at least');
    return { answers, finding };
  }
}

function count(tally: Record<string, number>, name: string): void {
  tally[name] = (tally[name] ?? 0) + 1;
}
