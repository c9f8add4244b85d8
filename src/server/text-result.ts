import type { ExecutionResult } from 'graphql';
import { markNumbers } from '../context/exact-json.ts';

/**
 * Returns a result whose JSON is known. HTTP sends the text; other transports need the data, which is
 * parsed on access.
 */
export function textResult(text: string): ExecutionResult {
  const result = {
    get data() {
      return (JSON.parse(markNumbers(text)) as ExecutionResult).data;
    },
    stringify: () => text,
  };
  return result as ExecutionResult;
}
