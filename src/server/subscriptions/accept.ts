import type { StreamFormat } from './http-format.ts';
import { multipart } from './multipart.ts';
import { sse } from './sse.ts';

/**
 * Returns the format of a stream that the client prefers; null if it names none. That it takes
 * anything is not enough: who does not expect a stream would wait for its end.
 */
export function acceptedFormat(request: Request): StreamFormat | null {
  const accept = request.headers.get('accept')?.toLowerCase() ?? '';
  let best: { format: StreamFormat; quality: number } | null = null;
  for (const range of accept.split(',')) {
    const [type, ...parameters] = range.split(';').map((part) => part.trim());
    const format = formatOf(type, parameters);
    const quality = Number(parameterOf(parameters, 'q') ?? 1);
    if (format && quality > (best?.quality ?? 0)) best = { format, quality };
  }
  return best?.format ?? null;
}

function formatOf(type: string | undefined, parameters: readonly string[]): StreamFormat | null {
  if (type === 'text/event-stream') return sse;
  const version = parameterOf(parameters, 'subscriptionspec');
  return type === 'multipart/mixed' && version === '1.0' ? multipart : null;
}

function parameterOf(parameters: readonly string[], name: string): string | undefined {
  const parameter = parameters.find((text) => text.split('=', 1)[0]?.trim() === name);
  return parameter
    ?.slice(parameter.indexOf('=') + 1)
    .trim()
    .replace(/^"(.*)"$/, '$1');
}
