/** Nodes of the DICOM network: their addresses and rights in words, and what people type in their form. */

interface AddressedNode {
  readonly ae_title: string;
  /** Null for those who may not see it. */
  readonly connection: { readonly host: string; readonly port: number | null } | null;
}

/** "CT_2@192.0.2.7:104"; only the title if the address is not known. */
export function addressOfNode({ ae_title: title, connection }: AddressedNode): string {
  if (!connection?.host || connection.port === null) return title;
  const { host, port } = connection;
  return `${title}@${host.includes(":") ? `[${host}]` : host}:${port}`;
}

export const NODE_RIGHTS = ["may_store", "may_find", "may_retrieve"] as const;
export type NodeRight = (typeof NODE_RIGHTS)[number];

/** What each right is called, and what a node does with it. */
export const RIGHT_WORDS: Readonly<Record<NodeRight, { readonly name: string; readonly does: string }>> = {
  may_store: { name: "Store", does: "It may send studies to this site (C-STORE). They come into the project." },
  may_find: { name: "Search", does: "It may search the project (C-FIND)." },
  may_retrieve: { name: "Retrieve", does: "It may fetch studies of the project (C-GET, and C-MOVE to nodes of this site)." },
};

/** "may store, search"; what a node without rights may do. */
export function rightsInWords(node: Readonly<Record<NodeRight, boolean>>): string {
  const names = NODE_RIGHTS.filter((right) => node[right]).map((right) => RIGHT_WORDS[right].name.toLowerCase());
  return names.length ? `may ${names.join(", ")}` : "may do nothing here";
}

/** Why a node cannot be called; empty if it can. */
export function whyNotCallable({ has_address: hasAddress, is_enabled: enabled }: { readonly has_address: boolean; readonly is_enabled: boolean }): string {
  if (!enabled) return "This node is disabled.";
  return hasAddress ? "" : "This node has no host and port: it only calls this site.";
}

/** A port as it was typed: null if nothing was, undefined if it is no port. */
export function portFrom(typed: string): number | null | undefined {
  const text = typed.trim();
  if (!text) return null;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}

/** What is wrong with a port that was typed; empty if nothing is. */
export const whyNoPort = (typed: string): string => (portFrom(typed) === undefined ? "A port is a whole number from 1 to 65535, such as 104 or 11112." : "");

/** The modalities that people wrote: "ct mr; CT" is CT and MR. */
export const modalitiesFrom = (typed: string): string[] => [...new Set(typed.toUpperCase().split(/[\s,;\\]+/).filter(Boolean))];

/** What a forwarding rule takes: "CT, MR · description like chest* · from Scanner 2". */
export function ruleInWords({ modalities, description, from_name: from }: { readonly modalities: readonly string[]; readonly description: string; readonly from_name: string }): string {
  const parts = [modalities.join(", "), description && `description like “${description}”`, from && `from ${from}`].filter(Boolean);
  return parts.length ? parts.join(" · ") : "everything that arrives in the project";
}

/** What is typed into another program as this site's host. A site that listens on all addresses is reached under the name that the browser uses for it. */
export function hostToTell(listening: string, pageHost: string): string {
  return ["0.0.0.0", "::", ""].includes(listening) ? pageHost : listening;
}

/** True if only programs of the site's own machine reach a host. */
export const isOwnMachineOnly = (listening: string): boolean => /^(127\.|::1$|localhost$)/.test(listening);
