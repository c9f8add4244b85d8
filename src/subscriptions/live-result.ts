import type { FormattedExecutionResult } from 'graphql';
import { printJson, restoreNumbers } from '../context/exact-json.ts';
import { patchOf } from './json-patch.ts';
import { Payload } from './result-stream.ts';

/** An answer to a live query. */
export class LiveResult {
  readonly whole: Payload;
  /** The data, if it is sent as patches; null if the answer is sent whole. */
  readonly data: object | null;

  constructor(result: FormattedExecutionResult, isPatched: boolean) {
    const json = JSON.stringify(result);
    this.whole = new Payload(restoreNumbers(json));
    // As clients read it; an answer with errors is sent whole.
    this.data = isPatched && !result.errors ? JSON.parse(json).data : null;
  }

  get json(): string {
    return this.whole.json;
  }
}

/** The payloads of a result for clients with different earlier results; each is made once. */
export class Patches {
  readonly #patches = new Map<LiveResult, string>();
  readonly #payloads = new Map<string, Payload>();

  /** Returns the payload of a result, the `revision`th, for clients whose previous result is `before`. */
  payload(before: LiveResult | null, result: LiveResult, revision: number): Payload {
    const change = before ? `"patch":${this.#patch(before, result)}` : dataOf(result);
    const json = `{${change},"revision":${revision}}`;
    let payload = this.#payloads.get(json);
    if (!payload) {
      payload = new Payload(json);
      this.#payloads.set(json, payload);
    }
    return payload;
  }

  #patch(before: LiveResult, { data }: LiveResult): string {
    let patch = this.#patches.get(before);
    if (patch === undefined) {
      patch = printJson(patchOf(before.data, data));
      this.#patches.set(before, patch);
    }
    return patch;
  }
}

function dataOf({ data }: LiveResult): string {
  return `"data":${printJson(data)}`;
}
