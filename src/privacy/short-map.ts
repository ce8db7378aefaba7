/**
 * A map from strings that is a list while it is short: a dozen strings are looked through sooner than a map is made, and a list can be used
 * again without making garbage. Linear in what is put in, however much that is.
 */
const listMax = 16;

export class ShortMap<V> {
  readonly #keys: string[] = [];
  readonly #values: (V | undefined)[] = [];
  #count = 0;
  /** Made when the list has grown too long to look through; holds everything then. */
  #map: Map<string, V> | undefined;

  get size(): number {
    return this.#map ? this.#map.size : this.#count;
  }

  get(key: string): V | undefined {
    if (this.#map) return this.#map.get(key);
    for (let i = 0; i < this.#count; i++) if (this.#keys[i] === key) return this.#values[i];
    return undefined;
  }

  set(key: string, value: V): void {
    if (this.#map) {
      this.#map.set(key, value);
      return;
    }
    for (let i = 0; i < this.#count; i++) {
      if (this.#keys[i] !== key) continue;
      this.#values[i] = value;
      return;
    }
    if (this.#count < listMax) {
      this.#keys[this.#count] = key;
      this.#values[this.#count++] = value;
      return;
    }
    this.#map = new Map();
    for (let i = 0; i < this.#count; i++) this.#map.set(this.#keys[i] as string, this.#values[i] as V);
    this.#map.set(key, value);
  }

  /** Forgets everything: nothing that was put in stays reachable. */
  clear(): void {
    for (let i = 0; i < this.#count; i++) {
      this.#keys[i] = '';
      this.#values[i] = undefined;
    }
    this.#count = 0;
    this.#map = undefined;
  }
}
