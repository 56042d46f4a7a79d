/** What a member of a project may do there. */

/** The roles, the lowest first; each may do what those before it may. */
export const ROLES = ["viewer", "analyst", "uploader", "owner"] as const;
export type RoleName = (typeof ROLES)[number];

export const ROLE_WORDS: Readonly<Record<RoleName, string>> = {
  viewer: "sees and measures",
  analyst: "also runs steps and annotates",
  uploader: "also adds studies",
  owner: "also deletes, copies and chooses members",
};

export const isRole = (text: string): text is RoleName => (ROLES as readonly string[]).includes(text);

export const isAtLeast = (role: RoleName, least: RoleName): boolean => ROLES.indexOf(role) >= ROLES.indexOf(least);

export interface RoleInProject {
  readonly id: number;
  readonly name: string;
  readonly role: RoleName;
}

/** The projects in which a role is granted, by name. */
export const projectsWith = <P extends RoleInProject>(projects: readonly P[], least: RoleName): P[] =>
  projects.filter(({ role }) => isAtLeast(role, least)).sort((a, b) => a.name.localeCompare(b.name));

/** Why something that needs a role cannot be done with rows of these projects; empty if it can. */
export function whyRoleLacks(projects: readonly RoleInProject[], of: Iterable<number>, least: RoleName): string {
  const names = new Set<string>();
  for (const id of of) {
    const project = projects.find((each) => each.id === id);
    if (!project || !isAtLeast(project.role, least)) names.add(project?.name ?? "another project");
  }
  return names.size ? `This needs the role “${least}” in ${[...names].join(", ")}.` : "";
}
