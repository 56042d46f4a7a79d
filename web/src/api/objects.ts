/** Objects without pixels: reports as text, documents for saving. */

import { type ReportContentOut, reportContentOut } from "@/api/generated/validators";
import { requestJson } from "@/api/http";

/** The text of a report. `address` is the one of the series' record. */
export const getReport = (address: string, signal?: AbortSignal): Promise<ReportContentOut> => requestJson(address, reportContentOut, { signal });
