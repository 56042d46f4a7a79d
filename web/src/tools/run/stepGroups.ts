/** The steps that match a search, in groups. */

import { sentenceCase } from "@/core/formatting";

export interface StepBrief {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly group: string;
}

const GROUPS: Readonly<Record<string, string>> = {
  filter: "Filters",
  mask: "Masks",
  measure: "Measurements",
  register: "Registration",
  model: "Models",
};
export const groupTitle = (group: string): string => GROUPS[group] ?? sentenceCase(group);

/** The steps whose name, title or description contain each word of the search, grouped, known groups first. */
export function groupSteps<T extends StepBrief>(steps: readonly T[], search: string): { group: string; title: string; steps: T[] }[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const matching = steps.filter(({ name, title, description }) => {
    const text = `${name} ${title} ${description}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const order = [...Object.keys(GROUPS), ...matching.map(({ group }) => group)];
  return [...new Set(order)]
    .map((group) => ({ group, title: groupTitle(group), steps: matching.filter((step) => step.group === group) }))
    .filter(({ steps: members }) => members.length > 0);
}
