import { describe, expect, it } from 'vitest';
import { type Holder, type HolderScope, Quotas, type Release } from '../../src/context/quotas.ts';
import type { Resource } from '../../src/env.ts';
import { limits } from './support/gateway.ts';

const ADA: Holder = { scope: 'person', id: 'ada' };
const BOB: Holder = { scope: 'person', id: 'bob' };
const SHOP: Holder = { scope: 'workspace', id: 'shop' };

const quotasOf = (person: number, workspace = 1_000) => {
  const refused: [Resource, HolderScope][] = [];
  const quotas = new Quotas({
    limits: limits({
      person: { requests: person, distinct: person },
      workspace: { requests: workspace, distinct: workspace },
    }),
    onRefusal: (...refusal) => refused.push(refusal),
  });
  return { quotas, refused };
};

const codeOf = (take: () => unknown) => {
  try {
    take();
    return null;
  } catch (error) {
    return error;
  }
};

describe('quotas', () => {
  it('refuse more than the limit, until something is released', () => {
    const { quotas, refused } = quotasOf(3);
    const releases = [1, 2, 3].map(() => quotas.take('requests', [ADA]));
    for (const release of releases) {
      expect(codeOf(() => quotas.take('requests', [ADA]))).toMatchObject({
        code: 'TOO_MANY_REQUESTS',
        status: 429,
        message: 'A person may have at most 3 requests running. Try again shortly.',
      });
      release();
      expect(codeOf(() => quotas.take('requests', [ADA]))).toBeNull();
    }
    expect(refused).toEqual(Array(3).fill(['requests', 'person']));
  });

  it('count only the first of several releases', () => {
    const { quotas } = quotasOf(2);
    const release = quotas.take('requests', [ADA]);
    quotas.take('requests', [ADA]);
    for (let n = 0; n < 5; n += 1) release();
    expect(quotas.inUse()).toEqual([{ resource: 'requests', scope: 'person', count: 1 }]);
  });

  it('count for all holders or for none', () => {
    const { quotas, refused } = quotasOf(10, 1);
    const release = quotas.take('requests', [BOB, SHOP]);
    expect(codeOf(() => quotas.take('requests', [ADA, SHOP]))).toMatchObject({
      message: 'A workspace may have at most 1 requests running. Try again shortly.',
    });
    expect(refused).toEqual([['requests', 'workspace']]);
    release();
    expect(quotas.inUse()).toEqual([]);
  });

  it('are separate for each holder, scope and resource', () => {
    const { quotas } = quotasOf(1, 1);
    const others: [Resource, Holder][] = [
      ['requests', BOB],
      ['requests', { scope: 'agent', id: ADA.id }],
      ['requests', { scope: 'workspace', id: ADA.id }],
      ['sockets', ADA],
    ];
    quotas.take('requests', [ADA]);
    for (const [resource, holder] of others) {
      expect(codeOf(() => quotas.take(resource, [holder]))).toBeNull();
    }
  });

  it('count equal things once, until all of them are released', () => {
    const { quotas } = quotasOf(2);
    const first = [1, 2, 3].map(() => quotas.take('distinct', [ADA, SHOP], 'first'));
    quotas.take('distinct', [ADA, SHOP], 'second');
    expect(codeOf(() => quotas.take('distinct', [ADA, SHOP], 'third'))).toMatchObject({
      code: 'TOO_MANY_SUBSCRIPTIONS',
    });
    for (const release of first) {
      expect(codeOf(() => quotas.assertRoom('distinct', [ADA], 'third'))).not.toBeNull();
      release();
    }
    expect(codeOf(() => quotas.take('distinct', [ADA, SHOP], 'third'))).toBeNull();
  });

  it('count nothing after all of thousands are released', () => {
    const { quotas } = quotasOf(20, 50);
    const held: Release[] = [];
    let taken = 0;
    for (let n = 0; n < 20_000; n += 1) {
      const holders: Holder[] = [
        { scope: n % 3 === 0 ? 'agent' : 'person', id: `${n % 700}` },
        { scope: 'workspace', id: `${n % 40}` },
      ];
      const resource = n % 2 === 0 ? 'requests' : 'distinct';
      if (
        !codeOf(() =>
          held.push(
            quotas.take(resource, holders, resource === 'distinct' ? `${n % 90}` : undefined),
          ),
        )
      )
        taken += 1;
      // Releases some of the oldest, a few of them twice.
      if (n % 4 !== 0) held.splice(n % 5, 1)[0]?.();
      if (n % 50 === 0) held[0]?.();
    }
    expect(taken).toBeGreaterThan(10_000);
    expect(quotas.inUse()).not.toEqual([]);
    for (const release of held) release();
    expect(quotas.inUse()).toEqual([]);
  });
});
