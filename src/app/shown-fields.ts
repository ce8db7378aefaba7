/** Which fields of a record leave with a file: those that were asked for, and that whoever asks may see. */
import { wholePointer } from '../log/record.ts';
import { isKept, type RedactableField } from '../log/redacted-record.ts';
import { createHiddenTest } from '../search/hidden.ts';
import { dottedOf } from '../search/record-values.ts';

export type FieldTest = (field: RedactableField) => boolean;

/**
 * @param fields pointers of what was asked for, each with all that stands below it [all]
 * @param hides members that whoever asks does not get to see
 */
export function createFieldTest({ fields, hides }: { fields?: readonly string[] | undefined; hides?: readonly string[] | undefined }): FieldTest {
  const asked = (pointer: string): boolean =>
    fields === undefined || fields.some((one) => pointer.startsWith(one) && (pointer.length === one.length || pointer[one.length] === '/'));
  if (!hides) return (field) => isKept(field) && asked(field.pointer);
  const isHidden = createHiddenTest(hides);
  // What was done to which value says something of what is hidden.
  return (field) => isKept(field) && field.pointer !== wholePointer && asked(field.pointer) && !isHidden(dottedOf(field.pointer));
}
