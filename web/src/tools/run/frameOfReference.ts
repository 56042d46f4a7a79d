/** Inputs without a common Frame of Reference UID: the user may confirm that they share one frame of reference. */

/** The error code of refused requests and of failed jobs. */
const CODE = "frame_of_reference";

/** True for a refusal or a job's problem that the user's confirmation resolves. */
export const needsFrameOfReference = (refusal: unknown): boolean =>
  typeof refusal === "object" && refusal !== null && "code" in refusal && refusal.code === CODE;

export const FRAME_OF_REFERENCE_UNKNOWN =
  "The files do not say that these images lie in one place of the patient: their Frame of Reference UID is missing or differs. " +
  "If they do not, the result is wrong.";
export const RUN_ANYWAY = "They lie in one place of the patient: run anyway";

/** The message of a job's problem; the page offers the confirmation where this module names it. */
export const problemText = (problem: { readonly code: string; readonly message: string }): string =>
  needsFrameOfReference(problem) ? FRAME_OF_REFERENCE_UNKNOWN : problem.message;
