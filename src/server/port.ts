import { once } from 'node:events';
import { createServer } from 'node:net';

/** Another process listens on the port. */
export class PortInUseError extends Error {
  override readonly name = 'PortInUseError';

  constructor(host: string, port: number) {
    super(
      `Port ${port} of ${host} is in use by another process. Stop that one, or choose another ` +
        `port: PORT=${port + 1} npm start`,
    );
  }
}

/** Returns the error of a server that could not listen, in words where the port is taken. */
export function explainListenError(error: unknown, host: string, port: number): unknown {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EADDRINUSE' ? new PortInUseError(host, port) : error;
}

/** Throws PortInUseError where a server could not listen now. */
export async function assertPortFree(host: string, port: number): Promise<void> {
  const probe = createServer().listen(port, host);
  try {
    await once(probe, 'listening');
  } catch (error) {
    throw explainListenError(error, host, port);
  }
  probe.close();
  await once(probe, 'close');
}
