import { schema } from '../../src/schema/index.ts';
import { usedHeap } from '../support/garbage.ts';
import { Random } from '../torture/random.ts';
import type { Options } from './differential.ts';
import { Generator } from './generator.ts';
import { type Stage, send } from './stage.ts';

const MEGABYTE = 1024 * 1024;
const EVERY = 10_000;
/** Tokens last ten minutes. */
const SIGNED_FOR = 2_000;

/** Sends only different queries to the gateway that compiles, and prints the memory in use. */
export async function measureMemory(
  { compiled, material, viewers }: Stage,
  { seed, documents, signal, onProgress = () => {} }: Options,
): Promise<void> {
  const generator = new Generator(schema, material);
  const seeded = new Random(seed);
  const printUsage = async (count: number) => {
    compiled.statements();
    const heap = Math.round((await usedHeap()) / MEGABYTE);
    const all = Math.round(process.memoryUsage().rss / MEGABYTE);
    onProgress(`${count} documents: ${heap} MB of heap, ${all} MB in all`);
  };
  await printUsage(0);
  const [viewer] = viewers;
  let client = await viewer?.sign(compiled);
  for (let index = 1; index <= documents && !signal?.aborted; index += 1) {
    if (index % SIGNED_FOR === 0) client = await viewer?.sign(compiled);
    const [request] = generator.next(seeded.of(String(index)));
    if (client && request)
      await send(compiled, client, { ...request, query: `# ${index}\n${request.query}` });
    if (index % EVERY === 0) await printUsage(index);
    else if (index % 500 === 0) compiled.statements();
  }
}
