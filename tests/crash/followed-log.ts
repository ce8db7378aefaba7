/**
 * What a witness would see of a log: it remembers the largest checkpoint and goes to a larger one only by a consistency proof, made here from
 * the tiles that are published. A log that went backwards, or was another one for a while, does not get past it.
 */
import { equalBytes } from '../../src/core/bytes.ts';
import { openCheckpoint, type VerifiedCheckpoint } from '../../src/log/checkpoint.ts';
import { parseEntryBundle } from '../../src/log/entry-bundle.ts';
import { Frontier } from '../../src/log/frontier.ts';
import { formatTilePath, tileWidthMax } from '../../src/log/tile-path.ts';
import { createTileNodeReader, entryBundlesBetween, tilesForConsistency } from '../../src/log/tile.ts';
import { leafHash, proveConsistency, verifyConsistency } from '../../src/log/tree.ts';
import { createTrust } from '../../src/log/trust.ts';
import { createClient } from '../../src/sdk/client.ts';

export class FollowedLog {
  readonly #trust;
  /** Root of every checkpoint that was ever seen, by tree size. */
  readonly seen = new Map<number, Uint8Array>();
  #newest: VerifiedCheckpoint | undefined;

  constructor(vkey: string) {
    this.#trust = createTrust([vkey]);
  }

  get treeSize(): number {
    return this.#newest?.treeSize ?? 0;
  }

  /** Takes note of a checkpoint that somebody was given; the next {@link FollowedLog.follow} holds the log against it. */
  note(text: string): VerifiedCheckpoint {
    const checkpoint = openCheckpoint(text, this.#trust);
    const known = this.seen.get(checkpoint.treeSize);
    if (known && !equalBytes(known, checkpoint.root)) throw new Error(`two roots were published for the size ${checkpoint.treeSize}`);
    this.seen.set(checkpoint.treeSize, checkpoint.root);
    return checkpoint;
  }

  /** Fetches the newest checkpoint and proves that it grew from the one before, and from every one noted since. */
  async follow(url: string): Promise<VerifiedCheckpoint> {
    const client = createClient({ url, retry: { retriesMax: 0 } });
    const before = this.#newest;
    const now = this.note((await client.checkpoint()) ?? '');
    const between = [...this.seen].filter(([treeSize]) => treeSize >= (before?.treeSize ?? 0));
    const tiles = new Map<string, Uint8Array | undefined>();
    for (const [treeSize, root] of between) {
      if (treeSize > now.treeSize) throw new Error(`the log has size ${now.treeSize} and was published with ${treeSize} before`);
      if (treeSize === 0 || treeSize === now.treeSize) continue;
      for (const { level, index, width } of tilesForConsistency(treeSize, now.treeSize)) {
        const name = `${level}/${index}`;
        if (tiles.has(name)) continue;
        tiles.set(
          name,
          (await client.fetchTile(formatTilePath({ level, index, width }))) ??
            (await client.fetchTile(formatTilePath({ level, index, width: tileWidthMax }))),
        );
      }
      const proof = proveConsistency(
        treeSize,
        now.treeSize,
        createTileNodeReader(now.treeSize, (level, index) => tiles.get(`${level}/${index}`)),
      );
      verifyConsistency(treeSize, now.treeSize, root, now.root, proof);
    }
    this.#newest = now;
    return now;
  }

  /** From all entries: the tree had every root that was ever seen. Returns how many that are. */
  async checkAllSeen(url: string): Promise<number> {
    const client = createClient({ url, retry: { retriesMax: 0 } });
    const { treeSize } = await this.follow(url);
    const frontier = new Frontier();
    const check = (): void => {
      const root = this.seen.get(frontier.size);
      if (root && !equalBytes(root, frontier.root())) throw new Error(`the entries do not lead to the root that was published for ${frontier.size}`);
    };
    check();
    for (const { index, width } of entryBundlesBetween(0, treeSize)) {
      const bundle = await client.fetchTile(formatTilePath({ level: 'entries', index, width }));
      if (!bundle) throw new Error(`entry bundle ${index} is missing`);
      for (const entry of parseEntryBundle(bundle, width)) {
        frontier.append(leafHash(entry), 0);
        check();
      }
    }
    return this.seen.size;
  }
}
