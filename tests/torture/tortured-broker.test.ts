import { describe, expect, it } from 'vitest';
import type { Broker } from '../../src/realtime/broker.ts';
import { NatsBroker } from '../../src/realtime/nats.ts';
import { RedisBroker } from '../../src/realtime/redis.ts';
import { type BrokerKind, hasBroker } from '../support/brokers.ts';
import { eventually } from '../support/eventually.ts';
import { firstPart } from './broker-protocols.ts';
import { TorturedBroker } from './tortured-broker.ts';

const SUBJECT = 'subject';
const MESSAGES = 300;
/** Longer than one chunk of a socket. */
const LONG = 'x'.repeat(200_000);
/** How often a message arrives with this outcome. */
const TIMES: Record<string, number> = {
  'message lost': 0,
  'message carried': 1,
  'message late': 1,
  'message doubled': 2,
};

const PARTS: Record<BrokerKind, { messages: string[]; others: string[] }> = {
  nats: {
    messages: [
      'MSG subject 1 0\r\n\r\n',
      'MSG subject 1 5\r\nhello\r\n',
      'MSG subject 1 answer 17\r\nMSG subject 1 0\r\n\r\n',
    ],
    others: ['INFO {"server_id":"MSG "}\r\n', 'PING\r\n', 'PONG\r\n', '+OK\r\n', "-ERR 'MSG '\r\n"],
  },
  redis: {
    messages: [
      '>3\r\n$7\r\nmessage\r\n$7\r\nsubject\r\n$0\r\n\r\n',
      '>3\r\n$7\r\nmessage\r\n$7\r\nsubject\r\n$12\r\n\r\n:1\r\n>3\r\n\r\n\r\n',
      '>3\r\n$7\r\nmessage\r\n$7\r\nsubject\r\n$4\r\n\u00c3\u00a9\u00c3\u00a9\r\n',
    ],
    others: [
      '+PONG\r\n',
      '-ERR message\r\n',
      ':-1\r\n',
      '_\r\n',
      '#t\r\n',
      ',-inf\r\n',
      '(12345678901234567890\r\n',
      '$-1\r\n',
      '*-1\r\n',
      '$0\r\n\r\n',
      '$4\r\n\r\n\r\n\r\n',
      '=7\r\ntxt:a\r\n\r\n',
      '!5\r\nERR a\r\n',
      '*0\r\n',
      '~2\r\n:1\r\n+a\r\n',
      '*3\r\n$7\r\nmessage\r\n$7\r\nsubject\r\n$5\r\nhello\r\n',
      '>3\r\n$9\r\nsubscribe\r\n$7\r\nsubject\r\n:1\r\n',
      '>3\r\n$11\r\nunsubscribe\r\n_\r\n:0\r\n',
      '>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\na\r\n',
      '%2\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*2\r\n%1\r\n+name\r\n*-1\r\n*0\r\n',
      '|1\r\n+ttl\r\n:60\r\n*2\r\n$-1\r\n-ERR a\r\n',
    ],
  },
};

describe.each<BrokerKind>(['nats', 'redis'])('the output of %s', (kind) => {
  const { messages, others } = PARTS[kind];

  it.each([...messages, ...others])('has a part %j, which is read whole or not at all', (text) => {
    const bytes = Buffer.from(text, 'latin1');
    for (let length = 0; length < bytes.length; length += 1) {
      expect(firstPart(kind, bytes.subarray(0, length))).toBeNull();
    }
    const expected = { bytes, isMessage: messages.includes(text) };
    expect(firstPart(kind, bytes)).toEqual(expected);
    for (const next of [...messages, ...others]) {
      expect(firstPart(kind, Buffer.from(text + next, 'latin1'))).toEqual(expected);
    }
  });
});

function connect({ kind, env }: TorturedBroker, errors: unknown[]): Broker {
  const OwnBroker = kind === 'nats' ? NatsBroker : RedisBroker;
  const url = env[kind === 'nats' ? 'NATS_URL' : 'REDIS_URL'] ?? '';
  return new OwnBroker(url, {
    onConnectionChange: () => {},
    onError: (error) => errors.push(error),
  });
}

describe.each<BrokerKind>(['nats', 'redis'])('a tortured %s', (kind) => {
  if (!hasBroker(kind)) return it.skip('is not tested: there is no server');

  it('loses, repeats and reorders messages, reports it, and still answers', async () => {
    const tortured = await TorturedBroker.start(kind);
    const fates: string[] = [];
    tortured.onEvent = (event) => fates.push(event);
    const errors: unknown[] = [];
    const speaker = connect(tortured, errors);
    const listener = connect(tortured, errors);
    try {
      const heard: number[] = [];
      listener.subscribe(SUBJECT, (message) => heard.push(Number.parseInt(message, 10)));
      await eventually(() => speaker.isConnected && listener.isConnected).toBe(true);
      // Once this is answered, the broker has the earlier subscription.
      await listener.publish('another', '');
      const numbers = Array.from({ length: MESSAGES }, (_, n) => n);
      await Promise.all(
        numbers.map((n) => speaker.publish(SUBJECT, n % 50 === 0 ? `${n} ${LONG}` : `${n}`)),
      );
      await eventually(() => fates.length).toBe(MESSAGES);
      expect(new Set(fates)).toEqual(new Set(Object.keys(TIMES)));
      const expected = numbers.flatMap((n) => Array(TIMES[fates[n] ?? '']).fill(n));
      const sorted = () => [...heard].sort((a, b) => a - b);
      await eventually(sorted).toEqual(expected);
      expect(heard).not.toEqual(expected);
      expect(errors).toEqual([]);
    } finally {
      await Promise.all([speaker.close(), listener.close()]);
      await tortured.stop();
    }
  });
});
