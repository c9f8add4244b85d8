import { GatewayError } from '../context/errors.ts';
import { createBatch } from './change-batch.ts';
import { READ_AGAIN } from './change-cursor.ts';
import type { Batch } from './feed.ts';
import { type ChangeLog, type readSpan, retains, type Span } from './log.ts';
import type { Position } from './position.ts';

const PAGE_SIZE = 500;
const END = Number.POSITIVE_INFINITY;

/** Reads a page of past changes. */
export type ReadPage = (span: Span, pageSize: number) => ReturnType<typeof readSpan>;

/** Reads a part of the log again, page by page; see Feed. */
export async function* replay(
  readPage: ReadPage,
  log: ChangeLog,
  after: Position,
  until: Position,
): AsyncGenerator<Batch> {
  if ((after.log ?? log.identity) !== log.identity) throw expired();
  const { identity } = log;
  for (const { seen, until: top, afterSeq: first, lastSeq } of spansBetween(after, until)) {
    const at = (seq: number) => ({ log: identity, seen, part: { until: top, seq } });
    let afterSeq = first;
    for (let more = true; more; ) {
      const page = await readPage({ seen, until: top, afterSeq }, PAGE_SIZE);
      if (page.log.identity !== identity || !retains(page.log, seen)) throw expired();
      const changes = page.changes.filter(({ seq }) => seq <= lastSeq);
      afterSeq = page.lastSeq ?? afterSeq;
      more = page.more && afterSeq < lastSeq;
      const last = lastSeq === END ? { log: identity, seen: top } : at(lastSeq);
      if (changes.length > 0) {
        yield createBatch(changes, at(afterSeq), more ? at(afterSeq) : last);
      }
    }
  }
}

/** What lies between two positions: the rest of a batch that was cut short, and what follows. */
function spansBetween(after: Position, until: Position): (Span & { lastSeq: number })[] {
  const spans = [];
  let { seen } = after;
  if (after.part) {
    const { until: top, seq: afterSeq } = after.part;
    if (until.part?.until.text === top.text && until.seen.text === seen.text) {
      return [{ seen, until: top, afterSeq, lastSeq: until.part.seq }];
    }
    spans.push({ seen, until: top, afterSeq, lastSeq: END });
    seen = top;
  }
  if (seen.text !== until.seen.text)
    spans.push({ seen, until: until.seen, afterSeq: 0, lastSeq: END });
  if (until.part) {
    const { until: top, seq: lastSeq } = until.part;
    spans.push({ seen: until.seen, until: top, afterSeq: 0, lastSeq });
  }
  return spans;
}

function expired(): GatewayError {
  return new GatewayError(
    'CURSOR_EXPIRED',
    `The cursor is older than the changes that are kept. ${READ_AGAIN}`,
  );
}
