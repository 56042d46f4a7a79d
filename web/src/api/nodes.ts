/** Requests for nodes of the DICOM network: their settings, rules, deliveries, searches and retrievals. */

import * as v from "valibot";

import type { components } from "@/api/generated/types";
import {
  type Accepted,
  accepted,
  type DeliveryList,
  deliveryList,
  type EchoOut,
  echoOut,
  type NodeAnswer,
  nodeAnswer,
  type NodeList,
  nodeList,
  type NodeOut,
  nodeOut,
  type RuleOut,
  ruleOut,
  type SendOut,
  sendOut,
  type StudyDeliveries,
  studyDeliveries,
} from "@/api/generated/validators";
import { requestJson, send } from "@/api/http";

export type NewNode = components["schemas"]["NewNode"];
export type NodeChange = components["schemas"]["NodeChange"];
export type NewRule = components["schemas"]["NewRule"];
export type RuleChange = components["schemas"]["RuleChange"];
export type NodeQuery = components["schemas"]["NodeQuery"];

const address = (id: number): string => `/api/nodes/${id}`;
const rulesAddress = (node: number): string => `${address(node)}/rules`;
const ruleAddress = (node: number, rule: number): string => `${rulesAddress(node)}/${rule}`;

/** The nodes of one's projects, and under which title and address this site listens. */
export const listNodes = (signal?: AbortSignal): Promise<NodeList> => requestJson("/api/nodes", nodeList, { signal });

export const getNode = (id: number, signal?: AbortSignal): Promise<NodeOut> => requestJson(address(id), nodeOut, { signal });

export const addNode = (node: NewNode): Promise<NodeOut> => requestJson("/api/nodes", nodeOut, { method: "POST", json: node });

export const changeNode = (id: number, change: Partial<NodeChange>): Promise<NodeOut> => requestJson(address(id), nodeOut, { method: "PATCH", json: change });

export async function deleteNode(id: number): Promise<void> {
  await send(address(id), { method: "DELETE" });
}

/** Asks a node whether it answers (C-ECHO); what came of it is in the answer. */
export const echoNode = (id: number): Promise<EchoOut> => requestJson(`${address(id)}/echo`, echoOut, { method: "POST" });

export const listRules = (node: number, signal?: AbortSignal): Promise<RuleOut[]> => requestJson(rulesAddress(node), v.array(ruleOut), { signal });

export const addRule = (node: number, rule: NewRule): Promise<RuleOut> => requestJson(rulesAddress(node), ruleOut, { method: "POST", json: rule });

export const changeRule = (node: number, id: number, change: Partial<RuleChange>): Promise<RuleOut> =>
  requestJson(ruleAddress(node, id), ruleOut, { method: "PATCH", json: change });

export async function deleteRule(node: number, id: number): Promise<void> {
  await send(ruleAddress(node, id), { method: "DELETE" });
}

/** What is sent to a node, and why some of it was not. */
export const listDeliveries = (node: number, signal?: AbortSignal): Promise<DeliveryList> => requestJson(`${address(node)}/deliveries`, deliveryList, { signal });

/** Has what failed be sent again: all of a node, or what belongs to a study. */
export async function retryDeliveries(node: number, study: number | null = null): Promise<void> {
  await send(`${address(node)}/deliveries/retry`, { method: "POST", json: { study } });
}

/** Searches a node; what is searched for is sent in a body, because it may be a patient's. */
export const queryNode = (id: number, query: Partial<NodeQuery>, signal?: AbortSignal): Promise<NodeAnswer> =>
  requestJson(`${address(id)}/query`, nodeAnswer, { method: "POST", json: query, signal });

/** Has a study fetched from a node, or some of its series, by a job. */
export const fetchStudy = (id: number, study: string, series: readonly string[] = []): Promise<Accepted> =>
  requestJson(`${address(id)}/fetch`, accepted, { method: "POST", json: { study_instance_uids: [study], series_instance_uids: series } });

/** Has studies sent to a node of their project. */
export const sendStudies = (node: number, studies: readonly number[]): Promise<SendOut> => requestJson(`${address(node)}/send`, sendOut, { method: "POST", json: { studies } });

/** How far a study is on its way to nodes. */
export const listStudyDeliveries = (study: number, signal?: AbortSignal): Promise<StudyDeliveries[]> =>
  requestJson(`/api/studies/${study}/deliveries`, v.array(studyDeliveries), { signal });
