/**
 * The volumes of the tab, each one kept once however many views show it.
 *
 * A volume that nobody shows stays until its memory is needed, so that going back to it is instant.
 */

import { sessionGate } from "@/api/http";
import type { Volume } from "@/api/series";
import { getSlice } from "@/api/slices";
import { ByteCache } from "@/core/byteCache";
import { serverPicture, thinnedPicture } from "@/scene/serverPicture";
import { SliceCache } from "@/scene/sliceCache";
import { ServerVolume, type ServerVolumeParts } from "@/scene/serverVolume";
import { TabVolume } from "@/scene/tabVolume";
import type { PlanePicture, VolumeSource } from "@/scene/volumeSource";
import type { OpenedVolume } from "@/scene/worker/protocol";
import { bytesOfVolume } from "@/scene/worker/storedValues";
import { LateWorker } from "@/scene/worker/startWorker";
import { WorkerLink } from "@/scene/worker/workerLink";

const MIB = 2 ** 20;

/** Bytes of values that the tab may hold. */
export interface VolumeBudget {
  readonly oneVolume: number;
  readonly allVolumes: number;
}

/** Recent pictures of the server's, so that showing them again needs no waiting. */
const PICTURES = 48 * MIB;
/** Recent pictures of the tab's own volumes, which are soon made again. */
const OWN_PICTURES = 8 * MIB;
/** Slices of all volumes that are too large. */
const SLICES = 128 * MIB;
/** Gigabytes of a device that counts as small. */
const SMALL_DEVICE = 4;

/** The budget of a device with so many gigabytes of memory, as far as the browser says. */
export function budgetFor(gigabytes: number | undefined): VolumeBudget {
  return gigabytes !== undefined && gigabytes <= SMALL_DEVICE
    ? { oneVolume: 224 * MIB, allVolumes: 384 * MIB }
    : { oneVolume: 448 * MIB, allVolumes: 768 * MIB };
}

/** A source with what ends it. */
export interface PooledSource extends VolumeSource {
  close(): void;
}

/** What the pool keeps values of: a volume or a label map. */
export interface Pooled {
  readonly key: string;
  /** How the keys of all its versions begin. */
  readonly family: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly inTab: () => PooledSource;
  readonly onServer: () => PooledSource;
}

export interface SourceMakers {
  tab(key: string, seriesId: number, volume: Volume): PooledSource;
  server(key: string, seriesId: number, volume: Volume): PooledSource;
}

interface Entry {
  readonly source: PooledSource;
  readonly bytes: number;
  holders: number;
}

export class VolumePool {
  /** In the order in which they were held last. */
  private readonly entries = new Map<string, Entry>();

  constructor(
    private readonly budget: VolumeBudget,
    private readonly makers: SourceMakers,
  ) {}

  hold(seriesId: number, volume: Volume): VolumeSource {
    const { makers } = this;
    const { dtype, shape } = volume;
    const family = `${seriesId}/${volume.index}/`;
    const key = `${family}${volume.version}`;
    return this.take({ key, family, dtype, shape, inTab: () => makers.tab(key, seriesId, volume), onServer: () => makers.server(key, seriesId, volume) });
  }

  /** The one source of a thing, whoever holds it. */
  take(wanted: Pooled): VolumeSource {
    const { key } = wanted;
    const entry = this.entries.get(key) ?? this.add(wanted);
    entry.holders += 1;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.source;
  }

  release(source: VolumeSource): void {
    const entry = this.entries.get(source.key);
    if (entry?.source !== source || entry.holders === 0) return;
    entry.holders -= 1;
    // One that the server cuts holds no memory of its own.
    if (entry.holders === 0 && !source.inTab) this.drop(source.key);
  }

  private add(wanted: Pooled): Entry {
    const { key, family, inTab, onServer } = wanted;
    this.dropOlder(family);
    const bytes = bytesOfVolume(wanted);
    const fits = bytes !== null && bytes <= this.budget.oneVolume && this.makeRoom(bytes);
    const source = fits ? inTab() : onServer();
    const entry = { source, bytes: fits ? bytes : 0, holders: 0 };
    this.entries.set(key, entry);
    return entry;
  }

  /** Other versions of a volume that nobody shows will not be shown again. */
  private dropOlder(family: string): void {
    for (const [key, { holders }] of this.entries) if (holders === 0 && key.startsWith(family)) this.drop(key);
  }

  /** Drops volumes that nobody shows until there is room; false if there is none. */
  private makeRoom(bytes: number): boolean {
    const used = (): number => [...this.entries.values()].reduce((sum, entry) => sum + entry.bytes, 0);
    const shown = [...this.entries.values()].reduce((sum, entry) => sum + (entry.holders > 0 ? entry.bytes : 0), 0);
    if (shown + bytes > this.budget.allVolumes) return false;
    for (const [key, { holders }] of this.entries) {
      if (used() + bytes <= this.budget.allVolumes) break;
      if (holders === 0) this.drop(key);
    }
    return true;
  }

  private drop(key: string): void {
    this.entries.get(key)?.source.close();
    this.entries.delete(key);
  }
}

let link: WorkerLink | null = null;

/** The page's one end of the worker. */
export function volumeWorker(): WorkerLink {
  link ??= new WorkerLink(new LateWorker());
  return link;
}

const pictures = new ByteCache<PlanePicture>(PICTURES);
const ownPictures = new ByteCache<PlanePicture>(OWN_PICTURES);
const slices = new SliceCache(SLICES);

/** How the server is asked for the values of a volume or a label map. */
export type ServerWays = Pick<ServerVolumeParts, "fetchSlice" | "fromServer" | "thinned">;

/** A source whose planes the server cuts. */
export const sourceOnServer = (key: string, facts: OpenedVolume, ways: ServerWays): ServerVolume => new ServerVolume(key, facts, { slices, pictures, ...ways });

/** A source whose values the tab holds. `facts` are plain objects: what Vue watches cannot be sent to a worker. */
export function sourceInTab(key: string, facts: OpenedVolume, ways: ServerWays): TabVolume {
  const source: TabVolume = new TabVolume(key, facts, {
    link: volumeWorker(),
    pictures: ownPictures,
    fromServer: ways.fromServer,
    substitute: () => sourceOnServer(key, facts, ways),
    onProblem: ({ status }) => {
      // The worker's requests do not wait at the gate as those of the page do.
      if (status === 401 && sessionGate.close()) void sessionGate.passed().then(() => source.retry());
    },
  });
  return source;
}

function factsOf(seriesId: number, { index, version, dtype, shape, affine }: Volume) {
  return { seriesId, index, version, dtype, shape: [...shape], affine: affine && affine.map((row) => [...row]) };
}

const waysOf = (seriesId: number, volume: ReturnType<typeof factsOf>): ServerWays => ({
  fetchSlice: (slice, signal) => getSlice(seriesId, volume, "acquired", slice, signal),
  fromServer: (request, signal) => serverPicture(seriesId, volume, request, signal),
  thinned: (request, every, signal) => thinnedPicture(seriesId, volume, request, every, signal),
});

const makers: SourceMakers = {
  tab: (key, seriesId, volume) => {
    const facts = factsOf(seriesId, volume);
    return sourceInTab(key, facts, waysOf(seriesId, facts));
  },
  server: (key, seriesId, volume) => {
    const facts = factsOf(seriesId, volume);
    return sourceOnServer(key, facts, waysOf(seriesId, facts));
  },
};

const memoryOf = (device: Navigator | undefined): number | undefined => (device && "deviceMemory" in device ? Number(device.deviceMemory) : undefined);

const pool = new VolumePool(budgetFor(memoryOf(globalThis.navigator)), makers);

/** The source of a volume's pictures, to be released when they are no longer shown. */
export const holdVolume = (seriesId: number, volume: Volume): VolumeSource => pool.hold(seriesId, volume);

/** The source of anything that the pool can keep. */
export const holdPooled = (wanted: Pooled): VolumeSource => pool.take(wanted);

export const releaseVolume = (source: VolumeSource): void => pool.release(source);
