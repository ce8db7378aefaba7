/**
 * A log as its published files have it, by a reader of its own: nothing of `src` takes part, only SHA-256, Ed25519 and the specifications (RFC
 * 6962, C2SP tlog-tiles, tlog-checkpoint). Every entry up to the checkpoint is hashed again, every tile held against that.
 */
import { createPublicKey, hash, verify } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const width = 256;

interface Block {
  /** Hashes of the 256 leaves, as their tile has them. */
  leaves: Buffer;
  root: Buffer;
}

/** Full bundles that were hashed before, by their digest: the same bytes have the same hashes. */
const blocks = new Map<string, Block>();

const sha256 = (prefix: number, ...parts: Buffer[]): Buffer => hash('sha256', Buffer.concat([Buffer.of(prefix), ...parts]), 'buffer');

export interface SignedSize {
  treeSize: number;
  root: Buffer;
}

/** Verifies a checkpoint under a vkey. */
export function openSigned(text: string, vkey: string): SignedSize {
  const end = text.indexOf('\n\n');
  const body = text.slice(0, end + 1);
  const [origin, size, root] = body.split('\n');
  const [name, , encoded] = /^(.+)\+([0-9a-f]{8})\+(.+)$/.exec(vkey)?.slice(1) ?? [];
  if (name === undefined || encoded === undefined) throw new Error('not a vkey');
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(encoded, 'base64').subarray(1)]);
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  const line = text
    .slice(end + 2)
    .split('\n')
    .find((one) => one.startsWith(`— ${name} `));
  const signature = Buffer.from(line?.split(' ')[2] ?? '', 'base64').subarray(4);
  if (origin !== name || !verify(null, Buffer.from(body), key, signature)) throw new Error('a checkpoint that the log did not sign');
  return { treeSize: Number(size), root: Buffer.from(root ?? '', 'base64') };
}

export class RawLog {
  readonly #directory: string;
  readonly vkey: string;
  readonly checkpoint: SignedSize;
  /** Every file that is published, by its path. */
  readonly files = new Map<string, Buffer>();
  readonly #blocks: Block[] = [];
  readonly #rest: Buffer[] = [];

  /** @throws Error when a file that the checkpoint promises is missing or has other bytes than the entries lead to */
  constructor(dataDir: string, log: string) {
    this.#directory = join(dataDir, 'logs', log);
    this.vkey = readFileSync(join(dataDir, `keys/${log}.vkey`), 'utf8').trim();
    this.checkpoint = openSigned(readFileSync(join(this.#directory, 'checkpoint'), 'utf8'), this.vkey);
    const tiles = join(this.#directory, 'tile');
    for (const entry of existsSync(tiles) ? readdirSync(tiles, { recursive: true, withFileTypes: true }) : []) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile()) this.files.set(path.slice(this.#directory.length + 1), readFileSync(path));
    }
    this.#readEntries();
    if (!this.rootAt(this.checkpoint.treeSize).equals(this.checkpoint.root))
      throw new Error(`log ${log}: the entries do not lead to the signed root`);
    this.#checkTiles();
  }

  /** The root of the first leaves. */
  rootAt(treeSize: number): Buffer {
    if (treeSize > this.checkpoint.treeSize) throw new Error(`a tree of ${treeSize} was told of, and ${this.checkpoint.treeSize} are published`);
    return treeSize === 0 ? hash('sha256', Buffer.alloc(0), 'buffer') : this.#root(0, treeSize);
  }

  hasEntry(leafIndex: number, entry: Uint8Array): boolean {
    return leafIndex < this.checkpoint.treeSize && this.#leaf(leafIndex).equals(sha256(0, Buffer.from(entry)));
  }

  /** @throws Error unless everything that was published then is published now, by the same bytes */
  checkGrownFrom(before: RawLog): void {
    const { treeSize, root } = before.checkpoint;
    if (!this.rootAt(treeSize).equals(root)) throw new Error(`the first ${treeSize} leaves have another root than they had`);
    for (const [path, bytes] of before.files) {
      const now = this.files.get(path);
      if (now?.equals(bytes)) continue;
      // A partial tile goes once the full one is there.
      const full = now ? undefined : this.files.get(path.replace(/\.p\/\d+$/, ''));
      if (!full?.subarray(0, bytes.length).equals(bytes)) throw new Error(`${path} was published and ${now ? 'has other bytes now' : 'is gone'}`);
    }
  }

  #readEntries(): void {
    const { treeSize } = this.checkpoint;
    for (let index = 0; index * width < treeSize; index++) {
      const bundle = this.#tile('entries', index, Math.min(width, treeSize - index * width));
      const digest = hash('sha256', bundle);
      const known = blocks.get(digest);
      if (known) {
        this.#blocks.push(known);
        continue;
      }
      const leaves: Buffer[] = [];
      for (let at = 0; at < bundle.length;) {
        const end = at + 2 + bundle.readUInt16BE(at);
        leaves.push(sha256(0, bundle.subarray(at + 2, end)));
        at = end;
      }
      if (leaves.length !== Math.min(width, treeSize - index * width)) throw new Error(`entry bundle ${index} has ${leaves.length} entries`);
      if (leaves.length < width) {
        this.#rest.push(...leaves);
        continue;
      }
      const block = { leaves: Buffer.concat(leaves), root: rootOf(leaves) };
      blocks.set(digest, block);
      this.#blocks.push(block);
    }
  }

  #checkTiles(): void {
    let hashes: Buffer[] = this.#blocks.map(({ root }) => root);
    for (const [index, { leaves }] of this.#blocks.entries()) this.#expect(0, index, width, leaves);
    if (this.#rest.length > 0) this.#expect(0, this.#blocks.length, this.#rest.length, Buffer.concat(this.#rest));
    for (let level = 1; hashes.length > 0; level++) {
      const above: Buffer[] = [];
      for (let index = 0; index * width < hashes.length; index++) {
        const some = hashes.slice(index * width, (index + 1) * width);
        this.#expect(level, index, some.length, Buffer.concat(some));
        if (some.length === width) above.push(rootOf(some));
      }
      hashes = above;
    }
  }

  #expect(level: number, index: number, count: number, bytes: Buffer): void {
    if (!this.#tile(level, index, count).equals(bytes)) throw new Error(`tile ${level}/${index} does not have the hashes of its leaves`);
  }

  #tile(level: number | 'entries', index: number, count: number): Buffer {
    const digits = String(index).padStart(3, '0');
    const name = index < 1_000 ? digits : `x${digits.slice(0, -3).padStart(3, '0')}/${digits.slice(-3)}`;
    const path = `tile/${level}/${name}${count === width ? '' : `.p/${count}`}`;
    const bytes = this.files.get(path);
    if (bytes) return bytes;
    // A reader that wants a partial tile takes the full one where that is all there is.
    const full = this.files.get(`tile/${level}/${name}`);
    if (!full || level === 'entries') throw new Error(`${path} is missing`);
    return full.subarray(0, count * 32);
  }

  #leaf(index: number): Buffer {
    const block = this.#blocks[Math.floor(index / width)];
    return block ? block.leaves.subarray((index % width) * 32, ((index % width) + 1) * 32) : (this.#rest[index % width] as Buffer);
  }

  #root(from: number, to: number): Buffer {
    if (to - from === 1) return this.#leaf(from);
    if (to - from === width && from % width === 0) return this.#blocks[from / width]?.root ?? rootOf(this.#rest);
    let split = 1;
    while (split * 2 < to - from) split *= 2;
    return sha256(1, this.#root(from, from + split), this.#root(from + split, to));
  }
}

/** Of a perfect subtree. */
function rootOf(hashes: readonly Buffer[]): Buffer {
  let level = hashes;
  while (level.length > 1) {
    const above: Buffer[] = [];
    for (let i = 0; i < level.length; i += 2) above.push(sha256(1, level[i] as Buffer, level[i + 1] as Buffer));
    level = above;
  }
  return level[0] as Buffer;
}
