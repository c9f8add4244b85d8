import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  api,
  client,
  codesOf,
  database,
  inline,
  setUp,
  tenant,
} from './idempotency-meaning-world.ts';

setUp();

describe('stored answers of keys', () => {
  const HOUR = 60;
  /** Gives the Owner so many more keys of this age and size. */
  const fill = (count: number, minutesOld: number, bytes = 0) =>
    database.query(
      `insert into gateway.idempotency_key (person, key, request_hash, outcome, created_at)
       select $1, gen_random_uuid(), sha256('x'), jsonb_build_object('a', repeat('x', $4)), now() - make_interval(mins => $3)
       from generate_series(1, $2)`,
      [tenant.people.Owner, count, minutesOld, bytes],
    );
  const kept = async () => {
    const [row] = await database.query<{ keys: number; bytes: number }>(
      'select count(*)::int as keys, coalesce(sum(size), 0)::int as bytes from gateway.idempotency_key where person = $1',
      [tenant.people.Owner],
    );
    return row ?? { keys: 0, bytes: 0 };
  };
  const forget = () =>
    database.query('delete from gateway.idempotency_key where person = $1', [tenant.people.Owner]);
  const rename = (name: string) =>
    client.ask(inline(`input: { name: "${name}" }`), {}, randomUUID());
  const named = (name: string) =>
    database.query('select id from campaigns where name = $1', [name]);

  it('have a bounded size: a larger one is refused, with its write', async () => {
    const key = randomUUID();
    const description = 'é"'.repeat(180_000);
    const query = `mutation ($name: String!, $description: String!) {
      createCampaign(input: { name: $name, description: $description }) { campaign { description } }
    }`;
    const answer = await client.ask(query, { name: 'Too large', description }, key);
    expect(answer.data).toEqual({ createCampaign: null });
    expect(answer.errors).toEqual([
      {
        message: expect.stringMatching(/1,000,000 bytes .* Select less/),
        path: ['createCampaign'],
        locations: expect.any(Array),
        extensions: { code: 'IDEMPOTENCY_ANSWER_TOO_LARGE', argument: 'idempotency-key' },
      },
    ]);
    expect(await named('Too large')).toEqual([]);
    const less = query.replace('campaign { description }', 'id');
    expect(
      (await client.ask(less, { name: 'Too large', description }, key)).errors,
    ).toBeUndefined();
    expect(await named('Too large')).toHaveLength(1);
  });

  it('are bounded over all fields of a request', async () => {
    const description = 'x'.repeat(600_000);
    const field =
      'createCampaign(input: { name: "Half", description: $description }) { campaign { description } }';
    const answer = await client.ask(
      `mutation ($description: String!) { a: ${field} b: ${field} }`,
      { description },
      randomUUID(),
    );
    expect(answer.data).toMatchObject({ a: { campaign: { description } }, b: null });
    expect(codesOf(answer)).toEqual(['IDEMPOTENCY_ANSWER_TOO_LARGE']);
    expect(await named('Half')).toHaveLength(1);
  });

  it('are bounded in number: the oldest are deleted, unless all are of the last hour', async () => {
    await forget();
    await fill(2, 2 * HOUR);
    await fill(9_998, 59);
    expect(codesOf(await rename('Makes room'))).toEqual([]);
    expect((await kept()).keys).toBe(9_999);
    expect(codesOf(await rename('Fills up'))).toEqual([]);
    const full = await rename('No room');
    expect(full.data).toEqual({ createCampaign: null });
    expect(full.errors).toMatchObject([
      {
        message: expect.stringMatching(/without a key, or wait/),
        extensions: { code: 'TOO_MANY_IDEMPOTENCY_KEYS', argument: 'idempotency-key' },
      },
    ]);
    expect(await named('No room')).toEqual([]);
    expect((await client.ask(inline('input: { name: "Without" }'))).errors).toBeUndefined();
    const colleague = await api.as(tenant.people.Strategist, tenant.workspaceId);
    const theirs = await colleague.ask(inline('input: { name: "Theirs" }'), {}, randomUUID());
    expect(theirs.errors).toBeUndefined();
  });

  it('are bounded in size over all keys', async () => {
    await forget();
    await fill(102, 30, 990_000);
    expect(codesOf(await rename('No bytes left'))).toEqual(['TOO_MANY_IDEMPOTENCY_KEYS']);
    await database.query(
      "update gateway.idempotency_key set created_at = created_at - interval '1 hour' where person = $1",
      [tenant.people.Owner],
    );
    expect(codesOf(await rename('Makes room for itself'))).toEqual([]);
    expect((await kept()).bytes).toBeLessThan(100_000_000);
    await forget();
  });
});
