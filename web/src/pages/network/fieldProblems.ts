import { errorText, ServerProblem } from "@/api/http";

/** What the server says of a form, at its fields; `error` is what belongs to none of them. */
export function fieldProblems(failure: unknown, fields: readonly string[]): { readonly errors: Readonly<Record<string, string>>; readonly error: string } {
  const all = failure instanceof ServerProblem ? failure.errors : [];
  const known = all.flatMap(({ loc, msg }) => {
    const name = loc.find((part) => fields.includes(part));
    return name === undefined ? [] : [[name, msg] as const];
  });
  return { errors: Object.fromEntries(known), error: known.length > 0 && known.length === all.length ? "" : errorText(failure) };
}
