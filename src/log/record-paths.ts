/**
 * The paths of records that were seen, and the orders of their fields. Records of one source have the same members in the same order, nearly
 * always: so a member is first looked for where it stood the last time, and the sorted order of a list of paths is kept.
 */
import { compareUtf8, concatBytes, uint16be, utf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { escapePointer } from './record.ts';

/** Paths that are remembered; a log whose events never look alike must not fill the memory. */
const pathsMax = 20_000;
/** Orders that are remembered, and fields of a record whose order is. */
const ordersMax = 1_000;
const orderFieldsMax = 512;
/** Members of one object whose places are remembered. */
const placesMax = 64;

export interface PathNode {
  readonly id: number;
  readonly pointer: string;
  /** uint16be(length) ‖ pointer. */
  readonly packed: Uint8Array;
  readonly members: Map<string, PathNode>;
  /** Names and nodes of members by the place where each was last seen. */
  readonly namesByPlace: string[];
  readonly nodesByPlace: PathNode[];
}

interface Order {
  readonly nodes: readonly PathNode[];
  readonly order: Uint16Array | readonly number[];
}

export class RecordPaths {
  root = createNode(0, '');
  #paths = 1;
  #last: Order = { nodes: [], order: [] };
  #orders = new Map<number, Order>();

  /** Before each record: nodes of one record are of one tree. */
  begin(): void {
    if (this.#paths <= pathsMax) return;
    this.root = createNode(0, '');
    this.#paths = 1;
    this.#last = { nodes: [], order: [] };
    this.#orders.clear();
  }

  /**
   * The node of a member.
   * @param place where it stands among the members
   * @throws VeiltrailError `pointer_too_long`, or `not_canonical` for a lone surrogate in the name
   */
  member(node: PathNode, name: string, place: number): PathNode {
    if (node.namesByPlace[place] === name) return node.nodesByPlace[place] as PathNode;
    let member = node.members.get(name);
    if (member === undefined) {
      member = createNode(this.#paths, `${node.pointer}/${escapePointer(name)}`);
      node.members.set(name, member);
      this.#paths++;
    }
    if (place < placesMax && place <= node.namesByPlace.length) {
      node.namesByPlace[place] = name;
      node.nodesByPlace[place] = member;
    }
    return member;
  }

  /** The places of the first `count` nodes in ascending order of their pointers' UTF-8 bytes. */
  orderOf(nodes: readonly PathNode[], count: number): Uint16Array | readonly number[] {
    if (isOf(this.#last, nodes, count)) return this.#last.order;
    let hash = count;
    for (let i = 0; i < count; i++) hash = (Math.imul(hash, 31) + (nodes[i] as PathNode).id) | 0;
    const known = this.#orders.get(hash);
    if (known !== undefined && isOf(known, nodes, count)) {
      this.#last = known;
      return known.order;
    }
    const own = nodes.slice(0, count);
    const order = own.map((_, i) => i).sort((a, b) => compareUtf8((own[a] as PathNode).pointer, (own[b] as PathNode).pointer));
    if (count > orderFieldsMax) return order;
    if (this.#orders.size >= ordersMax) this.#orders.clear();
    this.#last = { nodes: own, order: Uint16Array.from(order) };
    this.#orders.set(hash, this.#last);
    return order;
  }
}

function isOf(order: Order, nodes: readonly PathNode[], count: number): boolean {
  const known = order.nodes;
  if (known.length !== count) return false;
  for (let i = 0; i < count; i++) if (known[i] !== nodes[i]) return false;
  return true;
}

function createNode(id: number, pointer: string): PathNode {
  if (!pointer.isWellFormed()) throw new VeiltrailError('not_canonical', 'half of a surrogate pair in a name');
  const bytes = utf8(pointer);
  if (bytes.length > limits.pointerBytesMax) throw new VeiltrailError('pointer_too_long', `a pointer longer than ${limits.pointerBytesMax} bytes`);
  return { id, pointer, packed: concatBytes(uint16be(bytes.length), bytes), members: new Map(), namesByPlace: [], nodesByPlace: [] };
}
