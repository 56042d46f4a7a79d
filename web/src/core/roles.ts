/** The roles of members in a project, the lowest first; each may do what those before it may. */

export const ROLES = ["viewer", "analyst", "uploader", "owner"] as const;
export type RoleName = (typeof ROLES)[number];

export const ROLE_WORDS: Readonly<Record<RoleName, string>> = {
  viewer: "sees and measures",
  analyst: "also runs steps and annotates",
  uploader: "also adds studies",
  owner: "also deletes, copies and chooses members",
};

export const isRole = (text: string): text is RoleName => (ROLES as readonly string[]).includes(text);
