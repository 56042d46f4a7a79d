/** Arrays of modality values, as the server's dtypes are read: 64-bit integers become doubles. */

export type PixelArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;

/** An array of the same type as `like`. */
export function emptyLike(like: PixelArray, length: number): PixelArray {
  return new (like.constructor as new (length: number) => PixelArray)(length);
}
