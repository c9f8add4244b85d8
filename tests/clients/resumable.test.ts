import { inspect } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import type { ResumeOptions } from '../../packages/client/src/index.ts';
import { clients, ends, eventually, listener, server, setUp } from './resumable-world.ts';

setUp();

describe.each(clients)('%s', (_, subscribe) => {
  const listen = (after?: string, options?: ResumeOptions) => {
    const listening = listener();
    const stop = subscribe(after, listening.sink, options);
    ends.push(stop);
    return { ...listening, stop };
  };

  it('goes on behind the last result whenever it is cut, with a new token', async () => {
    const { told, errors } = listen('0');
    server.tell(1, 2);
    await told(1, 2);
    const numbers = [1, 2];
    for (const number of [3, 5, 7]) {
      server.cut();
      server.tell(number, number + 1);
      numbers.push(number, number + 1);
      await told(...numbers);
    }
    expect(server.asked).toEqual(['0', '2', '4', '6']);
    expect(new Set(server.signedIn).size).toBe(4);
    expect(errors).toEqual([]);
  });

  it('says which cursor to keep, once its result has been handed over', async () => {
    const kept: unknown[] = [];
    const { told, numbers } = listen('0', {
      onCursor: (cursor, { query }) => kept.push([cursor, query.includes('told'), numbers.length]),
    });
    server.tell(1, 2);
    await told(1, 2);
    expect(kept).toEqual([
      ['1', true, 1],
      ['2', true, 2],
    ]);
  });

  it('begins now without a cursor', async () => {
    server.tell(1);
    const { told } = listen();
    await eventually(() => expect(server.asked).toEqual([undefined]));
    server.tell(2);
    await told(2);
  });

  it('asks where to go on when its cursor has expired', async () => {
    server.tell(1, 2, 3, 4);
    server.expire(2);
    const { told, sink } = listen('1', { onExpired: async () => '3' });
    await told(4);
    expect(server.asked).toEqual(['1', '3']);
    server.tell(5);
    await told(4, 5);
    expect(sink.error).not.toHaveBeenCalled();
    expect(sink.complete).not.toHaveBeenCalled();
  });

  it('ends with CURSOR_EXPIRED if nobody says where to go on', async () => {
    server.expire(2);
    const { errors } = listen('1');
    // Apollo wraps them.
    await eventually(() => expect(inspect(errors, { depth: 6 })).toContain('CURSOR_EXPIRED'));
    expect(server.asked).toEqual(['1']);
  });

  it('ends with the error of whoever cannot say where to go on', async () => {
    server.expire(2);
    const { errors } = listen('1', { onExpired: () => Promise.reject(new Error('No list.')) });
    await eventually(() => expect(errors).toMatchObject([{ message: 'No list.' }]));
  });

  it('is not begun again once it was stopped', async () => {
    server.expire(2);
    let answer = (_cursor: string) => {};
    const asked = vi.fn(() => new Promise<string>((resolve) => (answer = resolve)));
    const { stop, numbers } = listen('1', { onExpired: asked });
    await eventually(() => expect(asked).toHaveBeenCalled());
    stop();
    answer('3');
    server.tell(4);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(server.asked).toEqual(['1']);
    expect(numbers).toEqual([]);
  });

  it('tries again with its cursor when the gateway has an outage of its own', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const { told, errors } = listen('0');
    server.tell(1);
    await told(1);
    server.instead = {
      errors: [{ message: 'Shortly.', extensions: { code: 'SERVICE_UNAVAILABLE' } }],
    };
    server.tell(2);
    server.instead = undefined;
    await told(1, 2);
    expect(server.asked).toEqual(['0', '1']);
    expect(errors).toEqual([]);
    vi.restoreAllMocks();
  });

  it('refuses results without a cursor', async () => {
    server.instead = { data: { told: { number: 1 } } };
    const { errors, sink } = listen('0');
    server.tell(1);
    await eventually(() =>
      expect(errors).toMatchObject([{ message: expect.stringContaining('Select `cursor`') }]),
    );
    expect(sink.next).not.toHaveBeenCalled();
  });

  it('hands over errors, and goes on behind the last result', async () => {
    const { told, errors } = listen('0');
    server.tell(1);
    await told(1);
    server.instead = { data: null, errors: [{ message: 'Not this time.' }] };
    server.tell(2);
    await eventually(() => expect(errors).toHaveLength(1));
    server.instead = undefined;
    server.cut();
    await told(1, 2);
  });
});
