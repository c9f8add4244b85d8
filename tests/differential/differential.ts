import { getOperationAST, getVariableValues, parse } from 'graphql';
import { createReader } from '../../src/read/reader.ts';
import { schema } from '../../src/schema/index.ts';
import { readColumn } from '../../src/schema/model/columns.ts';
import type { Client } from '../support/api.ts';
import { Random } from '../torture/random.ts';
import { differenceOf, type RawAnswer } from './answers.ts';
import type { Request } from './draft.ts';
import { Generator } from './generator.ts';
import { smaller } from './smaller.ts';
import { pickViewer, type Stage, send, type Viewer } from './stage.ts';

/** How long a client's token is used; it lasts ten minutes. */
const FRESH_MS = 300_000;
const PROGRESS = 1_000;

export interface Options {
  seed: string;
  documents: number;
  /** Ends before the next document once it is aborted. */
  signal?: AbortSignal;
  /** Ends at the first difference, without reducing it. */
  stopsEarly?: boolean;
  onProgress?: (line: string) => void;
}

/** Answers that differ. */
export interface Difference {
  index: number;
  viewer: string;
  request: Request;
  detail: string;
  answers: readonly [compiled: RawAnswer, executed: RawAnswer];
}

export interface Report {
  documents: number;
  /** Requests, some of which differ only in variables. */
  requests: number;
  /** Requests with a composed statement, by its use. */
  compiled: {
    /** It read some of the fields at the root. */
    partly: number;
    /** It read all of them, but other statements followed: a value could not be shown, or it failed. */
    retried: number;
    /** It was the answer. */
    alone: number;
    /** The same, in the fast lane. */
    fast: number;
  };
  /** Answers by viewer, and by the code of the first error, `done` for those without. */
  byViewer: Record<string, number>;
  byOutcome: Record<string, number>;
  differences: Difference[];
}

/** Sends random queries to both gateways, and reports where their answers differ. */
export async function compareReads(stage: Stage, options: Options): Promise<Report> {
  const generator = new Generator(schema, stage.material);
  const pair = new Pair(stage);
  const seed = new Random(options.seed);
  const report: Report = {
    documents: 0,
    requests: 0,
    compiled: { partly: 0, retried: 0, alone: 0, fast: 0 },
    byViewer: {},
    byOutcome: {},
    differences: [],
  };
  for (let index = 0; index < options.documents && !options.signal?.aborted; index += 1) {
    const random = seed.of(String(index));
    const viewer = pickViewer(stage, random);
    report.documents += 1;
    for (const request of generator.next(random)) {
      const answers = await pair.ask(viewer, request);
      stage.material.learn(answers[1].text);
      tally(report, viewer, answers[1], pair.compiledBy(request));
      const detail = differenceOf(...answers);
      if (!detail) continue;
      const found = { index, viewer: viewer.name, request, detail, answers };
      report.differences.push(options.stopsEarly ? found : await minimized(pair, viewer, found));
      options.onProgress?.(`Difference ${report.differences.length} at document ${index}`);
    }
    if (options.stopsEarly && report.differences.length > 0) break;
    if (report.documents % PROGRESS === 0) options.onProgress?.(`${report.documents} documents`);
  }
  return report;
}

type Compiled = keyof Report['compiled'] | undefined;

function tally(report: Report, viewer: Viewer, answer: RawAnswer, compiled: Compiled): void {
  const { errors } = JSON.parse(answer.text);
  const code = errors ? String(errors[0]?.extensions?.code ?? 'none') : 'done';
  report.requests += 1;
  report.byViewer[viewer.name] = (report.byViewer[viewer.name] ?? 0) + 1;
  report.byOutcome[code] = (report.byOutcome[code] ?? 0) + 1;
  if (compiled) report.compiled[compiled] += 1;
}

/** Removes parts while the answers differ. */
async function minimized(pair: Pair, viewer: Viewer, found: Difference): Promise<Difference> {
  let best = found;
  const request = await smaller(schema, found.request, async (less) => {
    const answers = await pair.ask(viewer, less);
    const detail = differenceOf(...answers);
    if (detail) best = { ...best, request: less, detail, answers };
    return detail !== undefined;
  });
  return { ...best, request };
}

/** Both gateways, and the viewers' clients. */
class Pair {
  readonly #stage: Stage;
  readonly #reader = createReader(schema, readColumn);
  readonly #clients = new Map<string, { clients: readonly [Client, Client]; since: number }>();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async ask(viewer: Viewer, request: Request): Promise<readonly [RawAnswer, RawAnswer]> {
    const { compiled, executed } = this.#stage;
    const [first, second] = await this.#clientsOf(viewer);
    compiled.statements();
    executed.statements();
    return Promise.all([send(compiled, first, request), send(executed, second, request)]);
  }

  /** How much of the last query the statement has read. */
  compiledBy({ query, operationName, variables }: Request): Compiled {
    const statements = this.#stage.compiled.statements();
    const document = parse(query);
    const definitions = getOperationAST(document, operationName)?.variableDefinitions ?? [];
    const { coerced } = getVariableValues(schema, definitions, variables);
    const plan = coerced && this.#reader.planOf(document, operationName, coerced);
    const whole = plan?.textWith();
    // For known queries it also checks the membership.
    const fast = whole?.slice('select '.length);
    const isFast = statements.some((text) => text !== whole && text.endsWith(fast ?? ' '));
    if (!plan || !whole) return undefined;
    if (isFast) return statements.length === 1 ? 'fast' : 'retried';
    if (!statements.includes(whole)) return undefined;
    if ([...plan.fields.values()].some((nodes) => nodes !== null)) return 'partly';
    // Besides it there is the one for memberships.
    return statements.length <= 2 ? 'alone' : 'retried';
  }

  async #clientsOf(viewer: Viewer): Promise<readonly [Client, Client]> {
    const known = this.#clients.get(viewer.name);
    if (known && Date.now() - known.since < FRESH_MS) return known.clients;
    const { compiled, executed } = this.#stage;
    const clients = [await viewer.sign(compiled), await viewer.sign(executed)] as const;
    this.#clients.set(viewer.name, { clients, since: Date.now() });
    return clients;
  }
}
