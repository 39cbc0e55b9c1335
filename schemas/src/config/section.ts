import { type TObject, type TProperties, Type, TypeGuard } from "@sinclair/typebox";

/**
 * A closed part of the config. Keys that have a `default` are required for the type checker, since the loaded config has
 * them, and optional in the JSON Schema, since the operator need not write them. The part itself defaults to `{}`, so that the
 * defaults inside it apply when the whole part is missing.
 */
export function section<P extends TProperties>(properties: P, description: string): TObject<P> {
  const schema = Type.Object(properties, { description, default: {}, additionalProperties: false });
  return withoutDefaulted(schema);
}

/** `section` without a default of its own, for records and lists. */
export function entry<P extends TProperties>(properties: P, description: string): TObject<P> {
  return withoutDefaulted(Type.Object(properties, { description, additionalProperties: false }));
}

function withoutDefaulted<P extends TProperties>(schema: TObject<P>): TObject<P> {
  const required = Object.entries(schema.properties)
    .filter(([, property]) => !TypeGuard.IsOptional(property) && property.default === undefined)
    .map(([key]) => key);
  const { required: _written, ...rest } = schema;
  return (required.length === 0 ? rest : { ...rest, required }) as TObject<P>;
}
