import { describe, expect, it } from "vitest";

import type { FromWorker } from "@/scene/worker/protocol";
import { VolumeDesk } from "@/scene/worker/volumeDesk";

import { ADDRESS, settle, stoppedClock, volumeServer } from "./volumeServer";

const AFFINE = [
  [0, 0, 1, 0],
  [0, 1, 0, 0],
  [2, 0, 0, 0],
  [0, 0, 0, 1],
];
const FACTS = { ...ADDRESS, affine: AFFINE };
const DEMAND = { view: "view", slice: 5, direction: 0, around: false, crossing: false } as const;

function deskOf(server = volumeServer({ waiting: true })) {
  const { clock, pass } = stoppedClock();
  const posted: FromWorker[] = [];
  const tasks: (() => void)[] = [];
  const desk = new VolumeDesk(
    server.fetch,
    clock,
    (message) => posted.push(message),
    (task) => tasks.push(task),
  );
  /** Does what was put off, as the worker does between messages. */
  const work = (): void => {
    while (tasks.length > 0) tasks.shift()?.();
  };
  return { desk, posted, work, tasks, server, pass };
}

const answers = (posted: readonly FromWorker[]): FromWorker[] => posted.filter(({ kind }) => kind !== "arrived");

describe("the worker's desk", () => {
  it("answers with the picture of a slice when it is there, and tells arrivals before", async () => {
    const { desk, posted, work, server } = deskOf();
    desk.receive({ kind: "open", key: "a", volume: FACTS });
    desk.receive({ kind: "picture", key: "a", id: 1, request: { kind: "grid", plane: "acquired", index: 3 } });
    work();
    expect(posted).toEqual([]);
    expect(server.asked.map(({ first }) => first)).toEqual([3]);
    server.asked[0].answer();
    await settle();
    work();
    expect(posted).toEqual([
      { kind: "arrived", key: "a", slices: [3] },
      { kind: "picture", id: 1, picture: { values: Int16Array.of(300, 301, 302, 303, 304, 305), rows: 2, columns: 3, samples: 1, missing: 0 } },
    ]);
  });

  it("cuts planes across the slices with those that are there, and counts the others", async () => {
    const { desk, posted, work, server } = deskOf();
    desk.receive({ kind: "open", key: "a", volume: FACTS });
    desk.receive({ kind: "demand", key: "a", demand: DEMAND });
    server.asked[0].answer();
    await settle();
    desk.receive({ kind: "picture", key: "a", id: 1, request: { kind: "grid", plane: "coronal", index: 1 } });
    work();
    const [answer] = answers(posted);
    // Superior is up: slice 5 is the seventh row of twelve.
    const rows = Array.from({ length: 12 }, (_, row) => (row === 6 ? [503, 504, 505] : [0, 0, 0]));
    expect(answer).toMatchObject({ kind: "picture", picture: { rows: 12, columns: 3, missing: 11 } });
    expect(answer.kind === "picture" && [...answer.picture.values]).toEqual(rows.flat());
  });

  it("counts a region when its slices are there, and the piece of a voxel when all are", async () => {
    const { desk, posted, work, server } = deskOf();
    desk.receive({ kind: "open", key: "a", volume: FACTS });
    desk.receive({ kind: "demand", key: "a", demand: DEMAND });
    // The affine has slices along z, 2 mm apart, rows along y and columns along x; values are 100 a slice and 1 a pixel.
    const region = { kind: "sphere", centre: [1, 0, 10], radius: 1 } as const;
    desk.receive({ kind: "count", key: "a", id: 1, request: { region, padding: null } });
    desk.receive({ kind: "piece", key: "a", id: 2, request: { limits: { low: 500, high: 502 }, reach: null, region: null, padding: null, seed: [5, 0, 1] } });
    desk.receive({ kind: "count", key: "b", id: 3, request: { region, padding: null } });
    desk.receive({ kind: "piece", key: "a", id: 4, request: { limits: { low: 500, high: 2000 }, reach: { low: 1102, high: 2000 }, region, padding: null, seed: null } });
    work();
    expect(answers(posted)).toMatchObject([{ kind: "refused", id: 3 }]);
    for (let i = 0; i < 40; i += 1) {
      server.asked[i]?.answer();
      await settle();
      work();
    }
    expect(answers(posted).slice(1)).toMatchObject([
      { kind: "count", id: 1, histogram: { values: [500, 501, 502, 504], counts: [1, 1, 1, 1], total: 4, exact: true } },
      { kind: "piece", id: 2, piece: { count: 3, box: [[5, 6], [0, 1], [0, 3]] } },
      // All of slices 5 to 11 is one piece, of which four voxels lie in the region.
      { kind: "piece", id: 4, piece: { count: 4 } },
    ]);
  });

  it("does not cut a plane that was cancelled before its turn", async () => {
    const { desk, posted, work } = deskOf(volumeServer());
    desk.receive({ kind: "open", key: "a", volume: FACTS });
    desk.receive({ kind: "demand", key: "a", demand: DEMAND });
    await settle();
    for (let id = 1; id <= 5; id += 1) desk.receive({ kind: "picture", key: "a", id, request: { kind: "grid", plane: "acquired", index: id } });
    for (let id = 1; id <= 4; id += 1) desk.receive({ kind: "cancel", id });
    work();
    expect(answers(posted)).toMatchObject([{ kind: "picture", id: 5 }]);
  });

  it("does one thing at a time, so that messages are heard in between", async () => {
    const { desk, posted, work, tasks } = deskOf(volumeServer());
    desk.receive({ kind: "open", key: "a", volume: FACTS });
    desk.receive({ kind: "demand", key: "a", demand: DEMAND });
    await settle();
    desk.receive({ kind: "picture", key: "a", id: 1, request: { kind: "grid", plane: "sagittal", index: 0 } });
    desk.receive({ kind: "picture", key: "a", id: 2, request: { kind: "grid", plane: "sagittal", index: 1 } });
    expect(tasks).toHaveLength(1);
    tasks.shift()?.();
    expect(answers(posted)).toMatchObject([{ id: 1 }]);
    desk.receive({ kind: "cancel", id: 2 });
    work();
    expect(answers(posted)).toHaveLength(1);
  });

  it("gives the exact value of a voxel, and none outside the volume", async () => {
    const { desk, posted, work } = deskOf(volumeServer());
    desk.receive({ kind: "open", key: "a", volume: FACTS });
    desk.receive({ kind: "voxel", key: "a", id: 1, index: [7, 1, 2] });
    desk.receive({ kind: "voxel", key: "a", id: 2, index: [7, 2, 0] });
    desk.receive({ kind: "voxel", key: "a", id: 3, index: [12, 0, 0] });
    work();
    await settle();
    work();
    expect(answers(posted).sort((one, other) => Number("id" in one && "id" in other && one.id - other.id))).toEqual([
      { kind: "voxel", id: 1, values: [705] },
      { kind: "voxel", id: 2, values: null },
      { kind: "voxel", id: 3, values: null },
    ]);
  });

  it("refuses what waits for slices that failed, and goes on after another try", async () => {
    const { desk, posted, work, server } = deskOf();
    desk.receive({ kind: "open", key: "a", volume: FACTS });
    desk.receive({ kind: "picture", key: "a", id: 1, request: { kind: "grid", plane: "acquired", index: 3 } });
    server.asked[0].answer(new Response("", { status: 401 }));
    await settle();
    desk.receive({ kind: "picture", key: "a", id: 2, request: { kind: "grid", plane: "acquired", index: 4 } });
    work();
    expect(posted).toMatchObject([
      { kind: "refused", id: 1, problem: { status: 401 } },
      { kind: "failed", key: "a", problem: { status: 401 } },
      { kind: "refused", id: 2, problem: { status: 401 } },
    ]);
    desk.receive({ kind: "retry", key: "a" });
    desk.receive({ kind: "picture", key: "a", id: 3, request: { kind: "grid", plane: "acquired", index: 4 } });
    server.asked[1].answer();
    await settle();
    work();
    expect(posted.at(-1)).toMatchObject({ kind: "picture", id: 3 });
  });

  it("tells arrivals together", async () => {
    const { desk, posted, pass } = deskOf(volumeServer());
    desk.receive({ kind: "open", key: "a", volume: FACTS });
    desk.receive({ kind: "demand", key: "a", demand: DEMAND });
    await settle();
    await settle();
    expect(posted).toEqual([]);
    pass(16);
    expect(posted).toHaveLength(1);
    expect(posted[0].kind === "arrived" && [...posted[0].slices].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it("says when there is no memory for a volume, and refuses its pictures", () => {
    const { desk, posted } = deskOf();
    desk.receive({ kind: "open", key: "a", volume: { ...FACTS, dtype: "float32", shape: [2 ** 30, 2 ** 20, 2 ** 10] } });
    desk.receive({ kind: "picture", key: "a", id: 1, request: { kind: "grid", plane: "acquired", index: 3 } });
    expect(posted).toMatchObject([
      { kind: "noRoom", key: "a" },
      { kind: "refused", id: 1 },
    ]);
  });

  it("says so too when slices that were looked at one by one have no room in one array", () => {
    const { desk, posted, work } = deskOf();
    desk.receive({ kind: "open", key: "a", volume: { ...FACTS, shape: [2 ** 20, 2 ** 11, 2 ** 11] } });
    desk.receive({ kind: "picture", key: "a", id: 1, request: { kind: "grid", plane: "coronal", index: 3 } });
    work();
    expect(posted).toMatchObject([
      { kind: "noRoom", key: "a" },
      { kind: "refused", id: 1 },
    ]);
  });

  it("gives planes across slices that were looked at one by one before, and those that come after", async () => {
    const { desk, posted, work, server } = deskOf(volumeServer());
    desk.receive({ kind: "open", key: "a", volume: FACTS });
    desk.receive({ kind: "demand", key: "a", demand: DEMAND });
    for (let turn = 0; turn < 3; turn += 1) {
      desk.receive({ kind: "picture", key: "a", id: turn, request: { kind: "grid", plane: "coronal", index: 1 } });
      work();
      await settle();
      await settle();
    }
    expect(server.asked.length).toBeGreaterThan(1);
    const last = posted.filter(({ kind }) => kind === "picture").at(-1);
    expect(last).toMatchObject({ picture: { missing: 0, rows: 12, columns: 3 } });
    expect([...(last?.kind === "picture" ? last.picture.values : [])].sort((a, b) => a - b)).toEqual(Array.from({ length: 36 }, (_, i) => Math.floor(i / 3) * 100 + 3 + (i % 3)));
  });

  it("forgets a volume that is closed", async () => {
    const { desk, posted, work, server } = deskOf();
    desk.receive({ kind: "open", key: "a", volume: FACTS });
    desk.receive({ kind: "picture", key: "a", id: 1, request: { kind: "grid", plane: "acquired", index: 3 } });
    desk.receive({ kind: "close", key: "a" });
    expect(server.asked[0].signal.aborted).toBe(true);
    await settle();
    work();
    expect(posted).toEqual([]);
  });
});
