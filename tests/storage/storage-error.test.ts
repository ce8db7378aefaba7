import { expect, test } from 'vitest';
import { VeiltrailError } from '../../src/core/errors.ts';
import { isFatal, isRefusal, storageError } from '../../src/storage/storage-error.ts';

test.each([
  [{ code: 'ENOSPC' }, 'disk_full', true],
  [{ code: 'EDQUOT' }, 'disk_full', true],
  [{ code: 'EROFS' }, 'storage_readonly', true],
  [{ code: 'EACCES' }, 'storage_readonly', true],
  [{ code: 'EMFILE' }, 'storage_busy', true],
  [{ code: 'EIO' }, 'storage_failed', false],
  [{}, 'storage_failed', false],
  [{ errcode: 13 }, 'disk_full', true],
  [{ errcode: 8 }, 'storage_readonly', true],
  [{ errcode: 8 | (4 << 8) }, 'storage_readonly', true], // SQLITE_READONLY_DBMOVED
  [{ errcode: 5 }, 'storage_busy', true],
  [{ errcode: 10 }, 'storage_failed', false], // SQLITE_IOERR
  [{ errcode: 10 | (4 << 8) }, 'storage_failed', false], // SQLITE_IOERR_FSYNC
  [{ errcode: 11 }, 'storage_damaged', false],
  [{ errcode: 26 }, 'storage_damaged', false],
])('%j is %s', (from, code, later) => {
  const error = storageError(Object.assign(new Error('a driver spoke'), from), 'try');
  expect(error).toMatchObject({ code, detail: { operation: 'try' } });
  expect(isRefusal(error)).toBe(later);
  expect(isFatal(error)).toBe(!later);
  expect(error.message).not.toContain('a driver spoke');
});

test('an error of ours stays as it is, and need not stop the process', () => {
  const error = new VeiltrailError('id_conflict', 'other body');
  expect(storageError(error, 'try')).toBe(error);
  expect(isFatal(error)).toBe(false);
  expect(isFatal(new TypeError('a mistake'))).toBe(true);
});
