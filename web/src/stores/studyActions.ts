import { errorText } from "@/api/http";
import { deleteStudy, originalsAddress } from "@/api/studies";
import { deleteStudies } from "@/api/studyList";
import { copyStudy, restoreStudy } from "@/api/trash";
import { plural } from "@/core/formatting";
import { inTurns } from "@/core/inTurns";
import { useNotices } from "@/stores/notices";
import { useSelection } from "@/stores/selection";
import { useStudyTable } from "@/stores/studyTable";

/** The most studies whose originals are downloaded at once, a file each. */
export const MOST_DOWNLOADS = 10;

const studies = (count: number): string => plural(count, "study", "studies");

/** What is done with studies from lists: delete with undo, copy, download. */
export function useStudyActions() {
  const notices = useNotices();
  const selection = useSelection();
  const table = useStudyTable();

  /** Moves studies to the trash, and offers to undo that. */
  async function remove(ids: readonly number[]): Promise<void> {
    if (ids.length === 1) await deleteStudy(ids[0]);
    else await deleteStudies(ids);
    ids.forEach(selection.forgetStudy);
    table.leaveOut(ids);
    notices.tell(`${studies(ids.length)} moved to the trash.`, "good", { label: "Undo", run: () => undo(ids) });
    if (table.loaded) void table.load();
  }

  async function undo(ids: readonly number[]): Promise<void> {
    try {
      await inTurns(ids, restoreStudy);
      notices.tell(`${studies(ids.length)} restored.`);
    } catch (failure) {
      notices.tell(`Not everything could be restored: ${errorText(failure)}`, "bad");
    }
    if (table.loaded) await table.load();
  }

  /** Copies studies to a project, and tells what was left out. */
  async function copy(ids: readonly number[], project: { readonly id: number; readonly name: string }): Promise<void> {
    const counts = { copied: 0, present: 0, conflicts: 0 };
    try {
      await inTurns(ids, async (id) => {
        const { counts: own } = await copyStudy(id, project.id);
        counts.copied += own.copied;
        counts.present += own.present;
        counts.conflicts += own.conflicts;
      });
      const words = [`${plural(counts.copied, "file")} copied to ${project.name}`];
      if (counts.present) words.push(`${counts.present} there already`);
      if (counts.conflicts) words.push(`${counts.conflicts} left out, because ${project.name} has other files with their UIDs`);
      notices.tell(`${words.join("; ")}.`, counts.conflicts ? "bad" : "good");
    } finally {
      if (counts.copied && table.loaded) void table.load();
    }
  }

  /** Has the browser download the originals of each study, as it does for a link. */
  function download(ids: readonly number[]): void {
    for (const id of ids.slice(0, MOST_DOWNLOADS)) {
      const link = document.createElement("a");
      link.href = originalsAddress(id);
      link.download = "";
      link.click();
    }
  }

  return { remove, copy, download };
}
