import type { ServerResponse } from 'node:http';
import { Counter, type Registry } from 'prom-client';

/** How a root field was answered. */
export type Way = 'compiled' | 'executed';

/** The header that says so in development. */
export const WAYS_HEADER = 'x-answered-by';

/** Records how root fields are answered. */
export interface RootFieldWays {
  /**
   * Counts the fields of an answer, by their names in it. In development the header of the response
   * shows them, where there is one.
   */
  record(ways: ReadonlyMap<string, Way>, response?: ServerResponse): void;
}

/** Returns what counts ways in a registry, if any; `isShown` in development. */
export function createRootFieldWays(
  registry: Registry | undefined,
  isShown: boolean,
): RootFieldWays {
  const counter =
    registry &&
    new Counter({
      name: 'codex_root_fields_total',
      help: 'Root fields of queries and mutations: compiled to SQL, or executed field by field.',
      labelNames: ['way'] as const,
      registers: [registry],
    });
  return {
    record(ways, response) {
      if (counter) for (const way of ways.values()) counter.inc({ way });
      if (!isShown || !response || response.headersSent) return;
      const fields = [...ways].map(([name, way]) => `${name}=${way}`);
      response.setHeader(WAYS_HEADER, fields.join(', '));
    },
  };
}
