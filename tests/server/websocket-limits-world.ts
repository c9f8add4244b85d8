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

/** Registers the hooks that create and close what the tests of a file share. */
export function setUp(): void {
  beforeAll(async () => {
    gateway = await openLiveGateway(live, undefined, {
      // Higher than the limit of a socket, so that its person can still send requests.
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
