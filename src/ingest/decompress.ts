/** A request's content encoding undone: bounded, so that a bomb costs no more than the limit it hits. */
import { promisify } from 'node:util';
import { gunzip, zstdDecompress } from 'node:zlib';
import { VeiltrailError } from '../core/errors.ts';

const gunzipAsync = promisify(gunzip);
const zstdAsync = promisify(zstdDecompress);

/**
 * The body as it was before `encoding` (identity, gzip, zstd, in any case; `x-gzip` is gzip).
 * @throws VeiltrailError `body_too_large` beyond `bytesMax`, `unsupported_encoding`, `bad_encoding` when the bytes are not what it says
 */
export async function decompress(body: Uint8Array, encoding: string | undefined, bytesMax: number): Promise<Uint8Array> {
  const out = await inflate(body, (encoding ?? 'identity').trim().toLowerCase(), bytesMax);
  if (out.length > bytesMax) throw tooLarge(bytesMax);
  return out;
}

async function inflate(body: Uint8Array, encoding: string, bytesMax: number): Promise<Uint8Array> {
  try {
    switch (encoding) {
      case 'identity':
      case '':
        return body;
      case 'gzip':
      case 'x-gzip':
        return await gunzipAsync(body, { maxOutputLength: bytesMax });
      case 'zstd':
        return await zstdAsync(body, { maxOutputLength: bytesMax });
    }
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(bytesMax);
    throw new VeiltrailError('bad_encoding', 'the body is not what its content encoding says', {}, { cause: error });
  }
  throw new VeiltrailError('unsupported_encoding', 'content encodings are identity, gzip and zstd');
}

function tooLarge(bytesMax: number): VeiltrailError {
  return new VeiltrailError('body_too_large', `more than ${bytesMax} bytes`, { bytesMax });
}
