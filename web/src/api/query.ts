/** Addresses with query parameters, whose names and types are those of the contract. */

import type { paths } from "@/api/generated/types";

/** The query parameters of a request that the contract describes. */
export type Query<Address extends keyof paths, Method extends "get" | "post" = "get"> = paths[Address] extends {
  [M in Method]: { parameters: { query?: infer Parameters } };
}
  ? NonNullable<Parameters>
  : never;

/** An address with the parameters that have a value. */
export function withQuery(address: string, parameters: Readonly<Record<string, string | number | boolean | null | undefined>>): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") query.set(key, String(value));
  }
  return query.size ? `${address}?${query}` : address;
}
