import { afterAll, afterEach, beforeAll, vi } from 'vitest';
import { limits } from './support/gateway.ts';
import {
  createLiveStreams,
  type LiveGateway,
  openLiveGateway,
  RESUME,
} from './support/live-streams.ts';
import type { RawClient } from './support/websocket.ts';

export const LARGE = `{ sql(text: "SELECT repeat('x', 700000) AS value") }`;

export const live = createLiveStreams();

export const { listening } = live;

export let gateway: LiveGateway;

export let authorization: string;

export const wait = (milliseconds: number) =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

export const resultsOf = ({ messages }: RawClient) =>
  messages.filter(({ type }) => type === 'next');

export const codeOf = ({ messages }: RawClient, id: string) =>
  messages.find((message) => message.id === id)?.payload?.[0]?.extensions?.code;

/** Prepares what the tests of a file share. */
export function setUp(): void {
  beforeAll(async () => {
    gateway = await openLiveGateway(live, undefined, {
      // One socket may use up what it may have, and its person still ask.
      limits: limits({ person: { requests: 1_000 } }),
    });
    ({ authorization } = gateway);
  });
  afterEach(() => {
    vi.useRealTimers();
    live.end(RESUME);
  });
  afterAll(() => gateway?.close());
}
