/** Requests for projects and their members. */

import * as v from "valibot";

import { type MemberOut, memberOut, type ProjectOut, projectOut } from "@/api/generated/validators";
import { requestJson, send } from "@/api/http";
import type { RoleName } from "@/core/roles";

const address = (id: number): string => `/api/projects/${id}`;
const memberAddress = (id: number, username: string): string => `${address(id)}/members/${encodeURIComponent(username)}`;

export const listProjects = (signal?: AbortSignal): Promise<ProjectOut[]> => requestJson("/api/projects", v.array(projectOut), { signal });

export const createProject = (name: string, description: string): Promise<ProjectOut> =>
  requestJson("/api/projects", projectOut, { method: "POST", json: { name, description } });

export const getProject = (id: number, signal?: AbortSignal): Promise<ProjectOut> => requestJson(address(id), projectOut, { signal });

export const changeProject = (id: number, name: string, description: string): Promise<ProjectOut> =>
  requestJson(address(id), projectOut, { method: "PATCH", json: { name, description } });

export async function deleteProject(id: number): Promise<void> {
  await send(address(id), { method: "DELETE" });
}

export const listMembers = (id: number, signal?: AbortSignal): Promise<MemberOut[]> =>
  requestJson(`${address(id)}/members`, v.array(memberOut), { signal });

/** Adds a member, or changes the role. */
export const putMember = (id: number, username: string, role: RoleName): Promise<MemberOut> =>
  requestJson(memberAddress(id, username), memberOut, { method: "PUT", json: { role } });

export async function removeMember(id: number, username: string): Promise<void> {
  await send(memberAddress(id, username), { method: "DELETE" });
}
