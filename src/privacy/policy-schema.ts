/** The JSON Schema (2020-12) of a policy file, for editors: made from the same description that the parser checks with. */
import type { JsonObject, JsonValue } from '../core/json.ts';
import { customKindPattern, kindNames, policyShape, type Shape } from './policy-shape.ts';

export function policySchema(): JsonObject {
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'veiltrail policy', ...schemaOf(policyShape) };
}

function schemaOf(shape: Shape): JsonObject {
  const description = shape.about;
  switch (shape.is) {
    case 'text':
      return { description, type: 'string', minLength: 1 };
    case 'number':
      return { description, type: shape.whole ? 'integer' : 'number', minimum: shape.min, maximum: shape.max };
    case 'one-of':
      return { description, enum: [...shape.values] };
    case 'yes-no':
      return { description, type: 'boolean' };
    case 'kind':
      return { description, ...kindSchema() };
    case 'list': {
      const items = schemaOf(shape.of);
      const list: JsonObject = shape.empty ? { type: 'array', items } : { type: 'array', items, minItems: 1 };
      return shape.orOne ? { description, anyOf: [items, list] } : { description, ...list };
    }
    case 'dictionary': {
      const names: JsonObject = shape.names ? { propertyNames: kindSchema() } : {};
      return { description, type: 'object', ...names, additionalProperties: schemaOf(shape.of) };
    }
    default: {
      const properties: JsonObject = {};
      for (const [name, member] of Object.entries(shape.members)) properties[name] = schemaOf(member);
      const map: JsonObject = { type: 'object', properties, required: [...shape.required] as JsonValue[], additionalProperties: false };
      const short = shape.shorthand === undefined ? undefined : shape.members[shape.shorthand];
      return short ? { description, anyOf: [schemaOf(short), map] } : { description, ...map };
    }
  }
}

/** Editors offer our kinds; those of the policy's own `custom` are checked by `veiltrail policy check`. */
function kindSchema(): JsonObject {
  return { anyOf: [{ enum: [...kindNames] }, { type: 'string', pattern: customKindPattern.source }] };
}
