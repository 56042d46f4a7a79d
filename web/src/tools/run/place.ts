/** Volumes of which nothing says that they lie in one place of the patient: the user may know it. */

/** The code of the server's refusal, of a request and of a job. */
const CODE = "frame_of_reference";

/** True for a refusal that goes when the user confirms that the images lie in one place. */
export const asksForPlace = (refusal: unknown): boolean =>
  typeof refusal === "object" && refusal !== null && "code" in refusal && refusal.code === CODE;

export const PLACE_UNKNOWN =
  "Nothing says that these images lie in one place of the patient: their Frame of Reference UID is missing, or differs. " +
  "Where they do not, the result is wrong.";
export const RUN_ANYWAY = "They lie in one place of the patient: run anyway";

/** A job's problem for people who have a button for it. */
export const problemWords = (problem: { readonly code: string; readonly message: string }): string =>
  asksForPlace(problem) ? PLACE_UNKNOWN : problem.message;
