/** Bytes that are no HTTP request, or too many of them, or too slow: answered on the bare socket, which is then closed. */
import type { Socket } from 'node:net';
import { VeiltrailError } from '../core/errors.ts';
import { problemOf, problemType } from './problem.ts';

const codes: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable) {
    const problem = problemOf(new VeiltrailError(codes[error.code ?? ''] ?? 'malformed_request', 'the request was not read to its end'));
    const body = JSON.stringify(problem);
    socket.write(
      `HTTP/1.1 ${problem.status} -\r\ncontent-type: ${problemType}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    );
  }
  socket.destroySoon();
}
