import { describe, expect, it } from "vitest";

import { foundRows, hereInWords, isEmptyQuery, isSeriesChosen, NO_QUERY, NOTHING_CHOSEN, stateOfStudy, withSeriesToggled, withStudies } from "@/core/nodeAnswer";
import { addressOfNode, hostToTell, isOwnMachineOnly, modalitiesFrom, portFrom, rightsInWords, ruleInWords, whyNoPort, whyNotCallable } from "@/core/nodeWords";

describe("words for nodes", () => {
  it("gives the address of a node, as far as it is known", () => {
    const address = (host: string, port: number | null) => addressOfNode({ ae_title: "CT_2", connection: { host, port } });
    expect(address("192.0.2.7", 104)).toBe("CT_2@192.0.2.7:104");
    expect(address("2001:db8::1", 104)).toBe("CT_2@[2001:db8::1]:104");
    expect(address("", null)).toBe("CT_2");
    expect(addressOfNode({ ae_title: "CT_2", connection: null })).toBe("CT_2");
  });

  it("gives the rights of a node, and why it cannot be called", () => {
    expect(rightsInWords({ may_store: true, may_find: true, may_retrieve: false })).toBe("may store, search");
    expect(rightsInWords({ may_store: false, may_find: false, may_retrieve: false })).toBe("may do nothing here");
    expect(whyNotCallable({ has_address: true, is_enabled: true })).toBe("");
    expect(whyNotCallable({ has_address: false, is_enabled: true })).toContain("only calls");
    expect(whyNotCallable({ has_address: true, is_enabled: false })).toContain("disabled");
  });

  it("reads ports and modalities as people type them", () => {
    expect(portFrom(" 11112 ")).toBe(11112);
    expect(portFrom("")).toBeNull();
    for (const wrong of ["0", "65536", "1.5", "x", "-1", "1e3"]) expect(whyNoPort(wrong)).toContain("1 to 65535");
    expect(whyNoPort("104")).toBe("");
    expect(modalitiesFrom(" ct mr; CT,pt")).toEqual(["CT", "MR", "PT"]);
  });

  it("tells the host that other programs use", () => {
    expect(hostToTell("0.0.0.0", "archive.example")).toBe("archive.example");
    expect(hostToTell("192.0.2.1", "archive.example")).toBe("192.0.2.1");
    expect(["127.0.0.1", "localhost", "::1", "0.0.0.0", "192.0.2.1"].map(isOwnMachineOnly)).toEqual([true, true, true, false, false]);
  });

  it("says what a rule takes", () => {
    expect(ruleInWords({ modalities: ["CT", "MR"], description: "chest*", from_name: "Scanner" })).toBe("CT, MR · description like “chest*” · from Scanner");
    expect(ruleInWords({ modalities: [], description: "", from_name: "" })).toBe("everything that arrives in the project");
  });
});

describe("what a node has", () => {
  const study = (uid: string) => ({ study_instance_uid: uid });
  const series = (uid: string) => ({ series_instance_uid: uid });

  it("shows the series of open studies, or what stands for them", () => {
    const rows = foundRows([study("1"), study("2"), study("3")], { open: new Set(["2", "3"]), seriesOf: new Map([["2", [series("2.1"), series("2.2")]]]), errors: new Map([["3", "no answer"]]) });
    expect(rows.map(({ kind, key }) => [kind, key])).toEqual([["study", "1"], ["study", "2"], ["series", "2/2.1"], ["series", "2/2.2"], ["study", "3"], ["unknown", "3/series"]]);
    expect(rows.at(-1)).toMatchObject({ error: "no answer" });
  });

  it("chooses whole studies and some series", () => {
    const all = ["1.1", "1.2"];
    let chosen = withSeriesToggled(NOTHING_CHOSEN, "1", "1.1", all);
    expect(stateOfStudy(chosen, "1")).toBe("mixed");
    expect([isSeriesChosen(chosen, "1", "1.1"), isSeriesChosen(chosen, "1", "1.2")]).toEqual([true, false]);
    chosen = withSeriesToggled(chosen, "1", "1.2", all);
    expect(chosen).toEqual({ studies: new Set(["1"]), series: new Map() });
    // Of a whole study, the other series stay.
    chosen = withSeriesToggled(chosen, "1", "1.2", all);
    expect(chosen.series.get("1")).toEqual(new Set(["1.1"]));
    expect(withSeriesToggled(chosen, "1", "1.1", all)).toEqual(NOTHING_CHOSEN);
    expect(withStudies(chosen, ["1", "2"], true)).toEqual({ studies: new Set(["1", "2"]), series: new Map() });
    expect(NOTHING_CHOSEN).toEqual({ studies: new Set(), series: new Map() });
  });

  it("says how much is here", () => {
    expect(hereInWords({ here: 0, instance_count: 5 })).toBe("");
    expect(hereInWords({ here: 3, instance_count: 5 })).toBe("3 of 5");
    expect(hereInWords({ here: 5, instance_count: 5 })).toBe("all");
    expect(hereInWords({ here: 5, instance_count: null })).toBe("all");
    expect(isEmptyQuery({ ...NO_QUERY, patient_name: "  " })).toBe(true);
    expect(isEmptyQuery({ ...NO_QUERY, modality: "CT" })).toBe(false);
  });
});
