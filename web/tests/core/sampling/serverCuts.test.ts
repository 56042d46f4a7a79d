import { expect, it } from "vitest";

import type { Affine } from "@/core/geometry";
import { type Cut, inverseAffine } from "@/core/plane";
import { type CutOptions, sampleCut, type SampledSlab } from "@/core/sampling/sampleCut";

import serverCuts from "../fixtures/serverCuts.json";

import { ARRAYS } from "./randomVolumes";

interface Example {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly affine: Affine;
  readonly array: string;
  readonly cut: Cut;
  readonly method: CutOptions["method"];
  readonly slab: SampledSlab | null;
  readonly result: string;
  readonly values: string;
}
// JSON has no tuples.
const EXAMPLES = serverCuts as unknown as readonly Example[];

function unpacked(base64: string, dtype: string): InstanceType<(typeof ARRAYS)[number]> {
  const Type = ARRAYS.find(({ name }) => name.toLowerCase() === `${dtype}array`);
  if (!Type) throw new Error(dtype);
  return new Type(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer);
}

it.each(EXAMPLES.map((example) => [`${example.dtype} of ${example.shape.join(" x ")}, ${example.method}, ${example.slab?.mode ?? "no slab"}`, example] as const))(
  "has the server's bits: %s",
  (_, { dtype, shape, affine, array, cut, method, slab, result, values }) => {
    const volume = { values: unpacked(array, dtype), shape, samples: shape[3] ?? 1 };
    const found = sampleCut(volume, inverseAffine(affine), cut, slab ? { method, slab } : { method });
    const wanted = unpacked(values, result);
    expect(wanted.some((value) => !Number.isNaN(value))).toBe(true);
    expect(found.values).toEqual(wanted);
  },
);
