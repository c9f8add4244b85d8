import { parseArgs } from 'node:util';
import { SERVERS, type ServerName } from './servers/start-server.ts';

export const USAGE = `Usage: npm run bench [-- options]

Compares the gateway with PostGraphile 5, with itself without accelerators, and with a bare server, on
the same Postgres, rows, role and policies. bench/README.md says how.

  --quick            a tenth of the data, 2 short rounds, 10 connections: about a minute
  --only Q1,Q2       these requests; default: all
  --servers a,b      of ${SERVERS.join(', ')}; default: all
  --connections 1,50 how many clients ask at a time; default: 1,10,50
  --rounds 5         how often each request and server has its turn
  --seconds 3        how long a turn is
  --scale 1          how much data there is: 1 is about 668,000 rows
  --growth           also: page size, rows, depth and aliases, at 10 connections
  --aggregates       instead: groups of 216,000 alerts, with pg-aggregates in PostGraphile
  --workflows        instead: 15 users at the five workflows of docs/workflows.md
  --plot file.svg    draws the result
  --from file.json   shows an earlier result instead
`;

/** Each takes as long as hundreds of other requests. */
const FOR_AGGREGATES = { connections: '2', scale: '4', warmUp: 100 };

export interface Options {
  only: readonly string[];
  servers: readonly ServerName[];
  connections: readonly number[];
  rounds: number;
  seconds: number;
  scale: number;
  /** How many requests each server has answered before it is measured. */
  warmUp: number;
  growth: boolean;
  aggregates: boolean;
  workflows: boolean;
  plot: string | undefined;
  from: string | undefined;
}

/** Returns the options, or null where help was asked for. Throws for what is none. */
export function readOptions(args: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      servers: { type: 'string', default: SERVERS.join() },
      connections: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      scale: { type: 'string' },
      growth: { type: 'boolean', default: false },
      aggregates: { type: 'boolean', default: false },
      workflows: { type: 'boolean', default: false },
      plot: { type: 'string' },
      from: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const usual = values.quick
    ? { connections: '10', rounds: '2', seconds: '0.6', scale: '0.1', warmUp: 1_000 }
    : { connections: '1,10,50', rounds: '5', seconds: '3', scale: '1', warmUp: 10_000 };
  const defaults = values.aggregates ? { ...usual, ...FOR_AGGREGATES } : usual;

  return {
    only: list(values.only),
    servers: list(values.servers).map(serverOf),
    connections: list(values.connections ?? defaults.connections).map((n) =>
      positive(n, 'connections'),
    ),
    rounds: positive(values.rounds ?? defaults.rounds, 'rounds'),
    seconds: positive(values.seconds ?? defaults.seconds, 'seconds'),
    scale: positive(values.scale ?? defaults.scale, 'scale'),
    warmUp: defaults.warmUp,
    growth: values.growth,
    aggregates: values.aggregates,
    workflows: values.workflows,
    plot: values.plot,
    from: values.from,
  };
}

function list(text: string): string[] {
  return text.split(',').flatMap((item) => item.trim() || []);
}

function serverOf(name: string): ServerName {
  const server = SERVERS.find((each) => each === name);
  if (!server) throw new Error(`There is no server ${name}, only ${SERVERS.join(', ')}`);
  return server;
}

function positive(text: string, name: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new Error(`--${name} must be above 0`);
  return number;
}
