import { once } from 'node:events';
import { createServer } from 'node:net';

/** Returns when nobody has this port: one that was ours a moment ago may be that of somebody's connection now. Port 0 is any. */
export async function untilFree(port: number): Promise<void> {
  if (port === 0) return;
  for (let tries = 0; ; tries++) {
    const server = createServer();
    try {
      await once(server.listen(port, '127.0.0.1'), 'listening');
      await new Promise((closed) => server.close(closed));
      return;
    } catch (error) {
      if (tries > 600 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      await new Promise((next) => setTimeout(next, 100));
    }
  }
}
