import { connect, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { answerBrokenRequest } from '../../src/server/broken-request.ts';

/** What a client reads when the server's end is answered so. */
async function answered(code: string, before: (socket: Socket) => void = () => undefined): Promise<string> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    before(socket);
    answerBrokenRequest(Object.assign(new Error('secret'), { code }), socket);
    setTimeout(() => socket.destroy(), 200);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const text = await new Promise<string>((done) => {
    let received = '';
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.on('data', (data) => (received += data.toString()));
    client.on('error', () => undefined);
    client.on('close', () => done(received));
  });
  await new Promise((done) => server.close(done));
  return text;
}

describe('answerBrokenRequest', () => {
  it.each([
    ['HPE_HEADER_OVERFLOW', 431, 'headers_too_large'],
    ['ERR_HTTP_REQUEST_TIMEOUT', 408, 'request_timeout'],
    ['HPE_INVALID_METHOD', 400, 'malformed_request'],
    [undefined as unknown as string, 400, 'malformed_request'],
  ])('%s: %i %s, and nothing of the error', async (code, status, problem) => {
    const text = await answered(code);
    const [head, body] = text.split('\r\n\r\n') as [string, string];
    expect(head.startsWith(`HTTP/1.1 ${status} `)).toBe(true);
    expect(head).toContain('connection: close');
    expect(Number(/content-length: (\d+)/.exec(head)?.[1])).toBe(Buffer.byteLength(body));
    expect(JSON.parse(body)).toMatchObject({ status, code: problem });
    expect(text).not.toContain('secret');
  });

  it('says nothing where nobody listens any more', async () => {
    expect(await answered('ECONNRESET')).toBe('');
    expect(await answered('HPE_INVALID_METHOD', (socket) => socket.end())).toBe('');
    expect(await answered('HPE_INVALID_METHOD', (socket) => socket.destroy())).toBe('');
  });
});
