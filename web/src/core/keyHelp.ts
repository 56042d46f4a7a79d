/** A line of the help: keys, or what mouse and fingers do. */
export interface HelpLine {
  readonly shown: string;
  readonly title: string;
  readonly group: string;
}

export interface HelpGroup {
  readonly name: string;
  readonly lines: readonly HelpLine[];
}

/** The lines under the names of their groups, in the order in which these first come. */
export function helpGroups(lines: readonly HelpLine[]): HelpGroup[] {
  const names = [...new Set(lines.map(({ group }) => group))];
  return names.map((name) => ({ name, lines: lines.filter(({ group }) => group === name) }));
}
