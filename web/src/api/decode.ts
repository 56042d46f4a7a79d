/** What comes from outside is checked here, once; behind this border the types hold. */

export class DecodeError extends Error {
  override name = "DecodeError";

  constructor(path: string, wanted: string, found: unknown) {
    const kind = found === null ? "null" : Array.isArray(found) ? "a list" : `a ${typeof found}`;
    super(`The server's answer has ${kind} where ${wanted} should be (${path || "the answer itself"}).`);
  }
}

export type Decoder<T> = (value: unknown, path?: string) => T;
export type Decoded<D> = D extends Decoder<infer T> ? T : never;

export const text: Decoder<string> = (value, path = "") => {
  if (typeof value === "string") return value;
  throw new DecodeError(path, "text", value);
};

/** Text, or "" where the server knows none. */
export const words: Decoder<string> = (value, path) => (value === null || value === undefined ? "" : text(value, path));

export const number: Decoder<number> = (value, path = "") => {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new DecodeError(path, "a number", value);
};

export const whole: Decoder<number> = (value, path = "") => {
  if (Number.isSafeInteger(value)) return value as number;
  throw new DecodeError(path, "a whole number", value);
};

export const truth: Decoder<boolean> = (value, path = "") => {
  if (typeof value === "boolean") return value;
  throw new DecodeError(path, "true or false", value);
};

/** Bytes, from text in base64. */
export const base64: Decoder<Uint8Array> = (value, path = "") => {
  try {
    return Uint8Array.from(atob(text(value, path)), (letter) => letter.charCodeAt(0));
  } catch {
    throw new DecodeError(path, "base64", value);
  }
};

export const anything: Decoder<unknown> = (value) => value;

export function nullable<T>(decode: Decoder<T>): Decoder<T | null> {
  return (value, path) => (value === null || value === undefined ? null : decode(value, path));
}

/** The decoded value, or `fallback` where the server gives none. */
export function otherwise<T>(decode: Decoder<T>, fallback: T): Decoder<T> {
  return (value, path) => (value === null || value === undefined ? fallback : decode(value, path));
}

export function oneOf<const T extends string>(...choices: readonly T[]): Decoder<T> {
  return (value, path = "") => {
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    throw new DecodeError(path, `one of ${choices.join(", ")}`, value);
  };
}

export function list<T>(decode: Decoder<T>): Decoder<T[]> {
  return (value, path = "") => {
    if (!Array.isArray(value)) throw new DecodeError(path, "a list", value);
    return value.map((item, i) => decode(item, `${path}[${i}]`));
  };
}

/** A list of exactly as many as there are decoders. */
export function tuple<const T extends readonly unknown[]>(...decoders: { [K in keyof T]: Decoder<T[K]> }): Decoder<T> {
  return (value, path = "") => {
    if (!Array.isArray(value) || value.length !== decoders.length) {
      throw new DecodeError(path, `a list of ${decoders.length}`, value);
    }
    return decoders.map((decode, i) => (decode)(value[i], `${path}[${i}]`)) as unknown as T;
  };
}

function mapping(value: unknown, path: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new DecodeError(path, "an object", value);
}

export function record<T>(decode: Decoder<T>): Decoder<Record<string, T>> {
  return (value, path = "") =>
    Object.fromEntries(Object.entries(mapping(value, path)).map(([key, item]) => [key, decode(item, `${path}.${key}`)]));
}

export function object<T extends Record<string, Decoder<unknown>>>(fields: T): Decoder<{ [K in keyof T]: Decoded<T[K]> }> {
  return (value, path = "") => {
    const found = mapping(value, path);
    const entries = Object.entries(fields).map(([key, decode]) => [key, decode(found[key], path ? `${path}.${key}` : key)]);
    return Object.fromEntries(entries) as { [K in keyof T]: Decoded<T[K]> };
  };
}

export interface Page<T> {
  items: T[];
  count: number;
}
export const page = <T>(decode: Decoder<T>): Decoder<Page<T>> => object({ items: list(decode), count: whole });
