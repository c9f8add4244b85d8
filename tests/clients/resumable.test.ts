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

  it('continues after the last result with a new token each time it is cut', async () => {
    const { receives, errors } = listen('0');
    server.append(1, 2);
    await receives(1, 2);
    const numbers = [1, 2];
    for (const number of [3, 5, 7]) {
      server.cut();
      server.append(number, number + 1);
      numbers.push(number, number + 1);
      await receives(...numbers);
    }
    expect(server.cursors).toEqual(['0', '2', '4', '6']);
    expect(new Set(server.signedIn).size).toBe(4);
    expect(errors).toEqual([]);
  });

  it('reports the cursor to keep after it has delivered the result', async () => {
    const kept: unknown[] = [];
    const { receives, numbers } = listen('0', {
      onCursor: (cursor, { query }) =>
        kept.push([cursor, query.includes('numberAdded'), numbers.length]),
    });
    server.append(1, 2);
    await receives(1, 2);
    expect(kept).toEqual([
      ['1', true, 1],
      ['2', true, 2],
    ]);
  });

  it('starts with the next result if there is no cursor', async () => {
    server.append(1);
    const { receives } = listen();
    await eventually(() => expect(server.cursors).toEqual([undefined]));
    server.append(2);
    await receives(2);
  });

  it('asks for a new cursor when its own has expired', async () => {
    server.append(1, 2, 3, 4);
    server.expire(2);
    const { receives, sink } = listen('1', { onExpired: async () => '3' });
    await receives(4);
    expect(server.cursors).toEqual(['1', '3']);
    server.append(5);
    await receives(4, 5);
    expect(sink.error).not.toHaveBeenCalled();
    expect(sink.complete).not.toHaveBeenCalled();
  });

  it('ends with CURSOR_EXPIRED if no `onExpired` is given', async () => {
    server.expire(2);
    const { errors } = listen('1');
    // Apollo wraps errors.
    await eventually(() => expect(inspect(errors, { depth: 6 })).toContain('CURSOR_EXPIRED'));
    expect(server.cursors).toEqual(['1']);
  });

  it('ends with the error of `onExpired` if that fails', async () => {
    server.expire(2);
    const { errors } = listen('1', { onExpired: () => Promise.reject(new Error('No list.')) });
    await eventually(() => expect(errors).toMatchObject([{ message: 'No list.' }]));
  });

  it('does not resume after it was stopped', async () => {
    server.expire(2);
    let answer = (_cursor: string) => {};
    const onExpired = vi.fn(() => new Promise<string>((resolve) => (answer = resolve)));
    const { stop, numbers } = listen('1', { onExpired });
    await eventually(() => expect(onExpired).toHaveBeenCalled());
    stop();
    answer('3');
    server.append(4);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(server.cursors).toEqual(['1']);
    expect(numbers).toEqual([]);
  });

  it('retries with its cursor when the gateway is unavailable', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const { receives, errors } = listen('0');
    server.append(1);
    await receives(1);
    server.instead = {
      errors: [{ message: 'Shortly.', extensions: { code: 'SERVICE_UNAVAILABLE' } }],
    };
    server.append(2);
    server.instead = undefined;
    await receives(1, 2);
    expect(server.cursors).toEqual(['0', '1']);
    expect(errors).toEqual([]);
    vi.restoreAllMocks();
  });

  it('refuses results without a cursor', async () => {
    server.instead = { data: { numberAdded: { number: 1 } } };
    const { errors, sink } = listen('0');
    server.append(1);
    await eventually(() =>
      expect(errors).toMatchObject([{ message: expect.stringContaining('Select `cursor`') }]),
    );
    expect(sink.next).not.toHaveBeenCalled();
  });

  it('delivers errors, and continues after the last result', async () => {
    const { receives, errors } = listen('0');
    server.append(1);
    await receives(1);
    server.instead = { data: null, errors: [{ message: 'Not this time.' }] };
    server.append(2);
    await eventually(() => expect(errors).toHaveLength(1));
    server.instead = undefined;
    server.cut();
    await receives(1, 2);
  });
});
