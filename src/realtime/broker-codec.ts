import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { catalog } from '../generated/catalog.ts';
import type { Change } from './change.ts';
import type { CursorKey } from './change-cursor.ts';
import { type Position, readPosition, writePosition } from './position.ts';

/** What the reader sends to its followers. */
export interface Message {
  /** The position up to which it had sent changes before. */
  from: Position;
  to: Position;
  /** All that lies between; null where that is too long for a message. */
  changes: readonly Change[] | null;
}

/** Announces that the reader stops. */
export const RESIGNED = 'farewell';

/** Of the messages' form. */
const VERSION = 1;
const TAG_LENGTH = 43;

const text = z.string();
const messageSchema = z.union([
  z.literal(RESIGNED),
  z.tuple([
    text,
    text,
    z
      .array(
        z.tuple([
          z.int(),
          text,
          text,
          z.enum(['INSERT', 'UPDATE', 'DELETE']),
          text.nullable(),
          text.nullable(),
          z.array(text),
          z.number(),
        ]),
      )
      .nullable(),
  ]),
]);

/**
 * The messages about one log. They are signed with the log's key: a stranger at the broker who made
 * followers believe a position would make them skip what was committed until then.
 */
export class BrokerCodec {
  /** Where they are published: replicas that know other models, or another log, listen elsewhere. */
  readonly subject: string;
  readonly #key: Buffer;

  constructor({ identity, key }: CursorKey) {
    this.subject = `codex-gateway.changes.${identity}.${VERSION}-${fingerprint()}`;
    this.#key = createHmac('sha256', key).update(this.subject).digest();
  }

  seal(message: Message | typeof RESIGNED): string {
    const body = JSON.stringify(message === RESIGNED ? message : encode(message));
    return this.#sign(body) + body;
  }

  /** Returns what was sealed for this subject; undefined for anything else. */
  open(sealed: string): Message | typeof RESIGNED | undefined {
    const body = sealed.slice(TAG_LENGTH);
    const tag = Buffer.from(sealed.slice(0, TAG_LENGTH));
    const expected = Buffer.from(this.#sign(body));
    if (tag.length !== expected.length || !timingSafeEqual(tag, expected)) return undefined;
    try {
      const message = messageSchema.parse(JSON.parse(body));
      return message === RESIGNED ? message : decode(message);
    } catch {
      return undefined;
    }
  }

  #sign(body: string): string {
    return createHmac('sha256', this.#key).update(body).digest('base64url');
  }
}

function encode({ from, to, changes }: Message): z.input<typeof messageSchema> {
  const encoded = changes?.map<EncodedChange>((change) => [
    change.seq,
    change.model,
    change.rowId,
    change.operation,
    change.workspaceId,
    change.readerId,
    [...change.changedColumns],
    change.occurredAt.getTime(),
  ]);
  return [writePosition(from), writePosition(to), encoded ?? null];
}

type EncodedMessage = Exclude<z.output<typeof messageSchema>, typeof RESIGNED>;
type EncodedChange = NonNullable<EncodedMessage[2]>[number];

function decode([from, to, encoded]: EncodedMessage): Message {
  const changes = encoded?.map<Change>(
    ([seq, model, rowId, operation, workspaceId, readerId, changedColumns, occurredAt]) => ({
      seq,
      model,
      rowId,
      operation,
      workspaceId,
      readerId,
      changedColumns,
      occurredAt: new Date(occurredAt),
    }),
  );
  return { from: readPosition(from), to: readPosition(to), changes: changes ?? null };
}

/** How a gateway reads the log depends on the models that it knows. */
function fingerprint(): string {
  const models = Object.entries(catalog.models).map(([name, { table, columns }]) => [
    name,
    table,
    Object.entries(columns).map(([field, { column }]) => [field, column]),
  ]);
  return createHash('sha256').update(JSON.stringify(models)).digest('hex').slice(0, 16);
}
