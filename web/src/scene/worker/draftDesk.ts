/** The worker's part that holds drafts, beside the values of the images that are edited upon. */

import type { FetchFunction } from "@/api/volumeBytes";
import type { EditedImage } from "@/core/editing/imageRange";
import type { DraftImage } from "@/scene/draft";
import type { DraftStore } from "@/scene/draftStore";
import { type DraftAsk, LAYER_MARK } from "@/scene/worker/draftProtocol";
import { OpenedDraft, openDraftInWorker } from "@/scene/worker/openedDraft";
import { type FromWorker, type OpenedVolume, problemRecord, type ToWorker } from "@/scene/worker/protocol";
import type { StoredValues } from "@/scene/worker/storedValues";

/** A volume whose values the worker holds, or fetches. */
export interface HeldValues {
  readonly facts: OpenedVolume;
  readonly stored: StoredValues;
}

export interface DraftDeskParts {
  readonly fetch: FetchFunction;
  readonly store: DraftStore;
  readonly values: (key: string) => HeldValues | undefined;
  readonly post: (message: FromWorker, transfer: Transferable[]) => void;
  readonly now: () => number;
  /** Long edits let pictures and messages through after so many milliseconds. */
  readonly pieceMs?: number;
}

export class DraftDesk {
  private readonly drafts = new Map<string, OpenedDraft>();
  /** For each draft the end of what was asked of it last: its edits are done one after the other. */
  private readonly tails = new Map<string, Promise<void>>();
  private readonly running = new Map<number, AbortController>();

  constructor(private readonly parts: DraftDeskParts) {}

  /** Takes what is for it, and cancels. */
  receive(message: ToWorker): void {
    if (message.kind === "cancel") this.running.get(message.id)?.abort();
    else if (message.kind === "draft") this.take(message.key, message.id, message.ask);
    else if (message.kind === "picture") this.draw(message);
  }

  private take(key: string, id: number, ask: DraftAsk): void {
    const controller = new AbortController();
    this.running.set(id, controller);
    const before = this.tails.get(key) ?? Promise.resolve();
    const own = before.then(() => this.answer(key, id, ask, controller.signal)).finally(() => this.running.delete(id));
    this.tails.set(key, own);
  }

  private async answer(key: string, id: number, ask: DraftAsk, signal: AbortSignal): Promise<void> {
    const { post, pieceMs } = this.parts;
    const options = { signal, pieceMs, onProgress: (share: number) => post({ kind: "draftProgress", id, share }, []) };
    try {
      signal.throwIfAborted();
      const draft = ask.about === "open" ? await this.open(key, ask, options) : this.drafts.get(key);
      if (!draft) throw new Error("This draft is not in the page's memory any more. Open the series again to go on.");
      const answer = await draft.answer(ask, options);
      if (ask.about === "discard" || ask.about === "close") this.drafts.delete(key);
      post({ kind: "draft", id, answer }, answer.voxels ? [answer.voxels.bits.buffer as ArrayBuffer] : []);
      draft.keepChanges();
    } catch (error) {
      const noMemory = error instanceof RangeError ? new Error("The browser has not enough memory for this edit. Nothing was changed.") : error;
      post({ kind: "refused", id, problem: problemRecord(noMemory) }, []);
    }
  }

  private async open(key: string, { id, start, resume }: Extract<DraftAsk, { readonly about: "open" }>, options: { readonly signal: AbortSignal; readonly onProgress: (share: number) => void }): Promise<OpenedDraft> {
    const { fetch, store, post, now } = this.parts;
    const tell = (notKept: string | null): void => post({ kind: "draftKept", key, notKept }, []);
    const draft = await openDraftInWorker(id, start, resume, { fetch, store, tell, now, image: () => this.imageOf(start.image) }, options);
    this.drafts.set(key, draft);
    return draft;
  }

  private draw({ key, id, request }: Extract<ToWorker, { readonly kind: "picture" }>): void {
    const mark = key.lastIndexOf(LAYER_MARK);
    const picture = this.drafts.get(key.slice(0, mark))?.picture(Number(key.slice(mark + 1)), request);
    if (picture) this.parts.post({ kind: "picture", id, picture }, [picture.values.buffer as ArrayBuffer]);
    else this.parts.post({ kind: "refused", id, problem: problemRecord(new Error("There is no such picture of this draft.")) }, []);
  }

  private imageOf({ key, padding }: DraftImage): EditedImage | null {
    const held = this.parts.values(key);
    if (!held?.facts.affine) return null;
    const { facts, stored } = held;
    // Colours have no one value.
    if ((stored.shape[3] ?? 1) !== 1) return null;
    let asked = -1;
    return {
      affine: held.facts.affine,
      shape: facts.shape.slice(0, 3),
      padding,
      slice: (slice) => {
        if (stored.loaded[slice] === 0) return null;
        const isFirst = asked < 0 || asked === slice;
        asked = slice;
        // A copy: pictures that are drawn while the edit goes on use the same array.
        if (isFirst) return stored.slice(slice).values.slice();
        // Of several slices all are unpacked once, instead of each one again and again.
        asked = Infinity;
        const perSlice = facts.shape[1] * facts.shape[2];
        return stored.values.subarray(slice * perSlice, (slice + 1) * perSlice);
      },
    };
  }
}
