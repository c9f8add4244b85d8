import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { collectGarbage } from '../support/garbage.ts';
import { type Listener, listen, TRANSPORTS } from '../support/subscribe.ts';
import {
  createLiveStreams,
  type LiveGateway,
  openLiveGateway,
  SUBSCRIPTION,
} from './support/live-streams.ts';

const live = createLiveStreams();
let gateway: LiveGateway;
let listener: Listener | undefined;

beforeAll(async () => {
  gateway = await openLiveGateway(live);
});
afterEach(async () => {
  listener?.close();
  await live.listening(0);
});
afterAll(() => gateway?.close());

describe.each(TRANSPORTS)('a subscription over %s', (transport) => {
  it('does not keep its request in memory', async () => {
    const headers = { authorization: gateway.authorization };
    listener = listen(gateway.url, { headers }, transport);
    listener.subscribe(SUBSCRIPTION, {});
    await live.listening();
    const [open] = live.present();
    await eventually(() => {
      collectGarbage();
      return open?.context.deref();
    }).toBeUndefined();
    expect(open?.gone).toBe(false);
  });
});
