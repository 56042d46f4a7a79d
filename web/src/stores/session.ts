import { defineStore } from "pinia";
import { computed, ref } from "vue";

import type { Me } from "@/api/generated/validators";
import { getMe } from "@/api/studies";
import { projectsWith, type RoleInProject, type RoleName, whyRoleLacks } from "@/core/roles";

/** The signed-in user, the user's projects and the site's settings. */
export const useSession = defineStore("session", () => {
  const me = ref<Me | null>(null);

  async function load(): Promise<void> {
    me.value ??= await getMe();
  }

  /** After a change of projects or roles. */
  async function reload(): Promise<void> {
    me.value = await getMe();
  }

  /** The user's projects; an administrator does everything in each. */
  const projects = computed<readonly RoleInProject[]>(() => {
    const { is_admin: admin, projects: own } = me.value ?? { is_admin: false, projects: [] };
    return own.map(({ id, name, role }) => ({ id, name, role: admin ? "owner" : role }));
  });
  const may = (least: RoleName): readonly RoleInProject[] => projectsWith(projects.value, least);
  const whyNot = (least: RoleName, of: Iterable<number>): string => whyRoleLacks(projects.value, of, least);

  return { me, load, reload, projects, may, whyNot, threshold: computed(() => me.value?.settings.threshold ?? 0.5) };
});
