/** Walking a schema along a path of the data: which schemas could stand there, and which keys are valid. */

import type * as z from 'zod';
import type { Path } from './diagnostics.ts';

type Schema = z.core.$ZodTypes;

/**
 * All schemas that could describe the value at `path`; several where a union leaves it open. Wrappers and unions are
 * opened unless `isWhole` says that one speaks for itself.
 */
export function schemasAt(
  root: z.core.$ZodType,
  data: unknown,
  path: Path,
  isWhole: (schema: z.core.$ZodType) => boolean = () => false,
): readonly Schema[] {
  let folded: readonly Schema[] = [root as Schema];
  let value = data;
  for (const key of path) {
    const around = value;
    folded = folded.flatMap((schema) => unfold(schema, around)).flatMap((schema) => childrenOf(schema, key));
    value = childOf(value, key);
  }
  const last = value;
  return folded.flatMap((schema) => unfold(schema, last, isWhole));
}

/** The keys that a mapping at `path` may have. */
export function keysAt(root: z.core.$ZodType, data: unknown, path: Path): readonly string[] {
  const keys = schemasAt(root, data, path).flatMap((schema) =>
    schema._zod.def.type === 'object' ? Object.keys(schema._zod.def.shape) : [],
  );
  return [...new Set(keys)];
}

/** The value under a key or index of plain data; `undefined` where there is none. */
export function childOf(value: unknown, key: string | number): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string | number, unknown>)[key];
}

/** The value at a path of plain data. */
export function valueAt(data: unknown, path: Path): unknown {
  return path.reduce<unknown>(childOf, data);
}

/** Wrappers taken off, unions opened; a discriminated union opens only the member that the data names. */
function unfold(
  schema: Schema,
  value: unknown,
  isWhole: (schema: z.core.$ZodType) => boolean = () => false,
): readonly Schema[] {
  if (isWhole(schema)) return [schema];
  const def = schema._zod.def;
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'readonly':
    case 'nonoptional':
      return unfold(def.innerType as Schema, value, isWhole);
    case 'pipe':
      return unfold(def.in as Schema, value, isWhole);
    case 'lazy':
      return unfold(def.getter() as Schema, value, isWhole);
    case 'union': {
      const options = def.options as readonly Schema[];
      const named = options.filter((option) => isNamed(option, def, value));
      return (named.length > 0 ? named : options).flatMap((option) => unfold(option, value, isWhole));
    }
    default:
      return [schema];
  }
}

function isNamed(option: Schema, union: z.core.$ZodUnionDef, value: unknown): boolean {
  const discriminator = (union as Partial<z.core.$ZodDiscriminatedUnionDef>).discriminator;
  if (discriminator === undefined) return false;
  const tag = childOf(value, discriminator);
  return option._zod.propValues?.[discriminator]?.has(tag as z.core.util.Primitive) ?? false;
}

function childrenOf(schema: Schema, key: string | number): readonly Schema[] {
  const def = schema._zod.def;
  switch (def.type) {
    case 'object': {
      const child = Object.hasOwn(def.shape, key) ? def.shape[key] : undefined;
      return child === undefined ? [] : [child as Schema];
    }
    case 'array':
      return [def.element as Schema];
    case 'record':
      return [def.valueType as Schema];
    default:
      return [];
  }
}
