/** Search on a data directory, for reading beside whoever writes: in this thread, with what index there is. */
import { join } from 'node:path';
import type { RecordReader } from '../ledger/reader.ts';
import { IndexReader } from '../search/index-reader.ts';
import { createSearchSource } from '../search/search-source.ts';
import { createSearcher, type Searcher } from '../search/search.ts';
import { isDataDirInUse } from '../storage/data-dir.ts';
import type { RecordSource } from '../storage/record-store.ts';
import type { Keyring } from '../vault/keyring.ts';
import { indexFileName } from './data-files.ts';

export interface SearchReaderParts {
  dataDir: string;
  keyring: Keyring;
  records: RecordSource;
  reader: RecordReader;
}

export function openSearchReader({ dataDir, keyring, records, reader }: SearchReaderParts): Searcher & { close(): void } {
  const index = new IndexReader({ path: join(dataDir, indexFileName), indexKey: keyring.secret('index').key, isLive: () => isDataDirInUse(dataDir) });
  const searcher = createSearcher(createSearchSource(records, reader), index);
  return { search: (request) => searcher.search(request), close: () => index.close() };
}
