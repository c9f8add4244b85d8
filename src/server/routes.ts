import type { Plugin } from 'graphql-yoga';
import { errorResponse } from './responses.ts';

export const ENDPOINT = '/graphql';
/** The path at which clients get the results of several operations in one response. */
export const STREAM_ENDPOINT = `${ENDPOINT}/stream`;

/** Begins the paths of files with the rows of a list. */
export const EXPORT_ENDPOINT = '/export/';

/** Answers 404 for all other paths. */
export function useKnownPaths(paths: readonly string[]): Plugin {
  return {
    onRequest({ url, endResponse }) {
      if (!paths.includes(url.pathname)) {
        endResponse(errorResponse(404, 'NOT_FOUND', `There is nothing here; try ${paths[0]}.`));
      }
    },
  };
}
