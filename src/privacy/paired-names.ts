/**
 * Values whose field is named beside or above them: `{"field": "phone", "value": "…"}`, `{"Name": "given_name", "Value": "…"}`,
 * `{"email": {"old": "…", "new": "…"}}`, `{"system": "phone", "value": "…"}`. Headers, attributes, tags and lists of changes are written so.
 */
import type { JsonObject, JsonValue } from '../core/json.ts';

/** Normalised names that say nothing about what stands there. */
const valueNames = new Set(
  (
    'value,values,val,stringvalue,newvalue,newvalues,oldvalue,oldvalues,newval,oldval,new,old,before,after,from,to,' +
    'previous,previousvalue,current,currentvalue,original,originalvalue,modified,modifiedvalue'
  ).split(','),
);

/** Is the place, by its normalised name, one that says nothing about its value? */
export function isValueName(field: string): boolean {
  return valueNames.has(field);
}

/** Members that name the field of the value beside them, as they are spelled. */
const namingMembers = (
  'name,Name,key,Key,field,Field,fieldName,field_name,FieldName,attribute,Attribute,attributeName,attribute_name,AttributeName,property,Property,propertyName,property_name,' +
  'column,columnName,column_name,header,label,param,parameter,path,claim,type,Type,system'
).split(',');

const nameMax = 128;

/** What members of the container name its value: `phone`, and of `urn:…/claims/surname` or `/name/surname` the last part. */
export function pairedNames(container: JsonObject | JsonValue[]): string[] {
  const out: string[] = [];
  if (Array.isArray(container)) return out;
  for (const member of namingMembers) {
    if (!Object.hasOwn(container, member)) continue;
    const name = container[member];
    if (typeof name === 'string' && name !== '' && name.length <= nameMax) out.push(lastPart(name));
  }
  return out;
}

/** Behind the last slash or hash of a path or an address of a claim. */
export function lastPart(name: string): string {
  const cut = Math.max(name.lastIndexOf('/'), name.lastIndexOf('#'));
  const last = cut >= 0 && cut < name.length - 1 ? name.slice(cut + 1) : name;
  // Headers of one's own: `X-Employee-Id`.
  return /^x-./i.test(last) ? last.slice(2) : last;
}
