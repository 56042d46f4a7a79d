// Keeps an upload's report up to date until all of its jobs are over.
"use strict";

(() => {
  const report = document.querySelector(".vx-report");
  const address = report.dataset.address;
  const part = (name) => report.querySelector(`[data-part="${name}"]`);
  const over = new Set(["succeeded", "failed", "cancelled"]);
  const words = { stored: "stored", present: "already here", skipped: "skipped" };
  const step = 200;
  let shown = step;

  const cell = (content) => {
    const made = document.createElement("td");
    made.append(content);
    return made;
  };

  const badge = (state) => {
    const made = document.createElement("span");
    made.className = "vx-state";
    made.dataset.state = state;
    made.textContent = state;
    return made;
  };

  const row = (...contents) => {
    const made = document.createElement("tr");
    made.append(...contents.map(cell));
    return made;
  };

  const jobRow = (job) => {
    const link = document.createElement("a");
    link.href = `/series/${job.series}`;
    link.textContent = job.state === "succeeded" ? `View series ${job.series}` : `Series ${job.series}`;
    const bar = document.createElement("progress");
    bar.className = "vx-progress";
    bar.max = 1;
    bar.value = job.progress;
    return row(link, badge(job.state), bar, job.problem ? job.problem.message : job.message);
  };

  const show = (upload) => {
    part("state").textContent = upload.state;
    part("state").dataset.state = upload.state;
    part("progress").value = upload.progress;
    part("message").textContent = upload.message;
    part("problem").hidden = !upload.problem;
    part("problem").textContent = upload.problem ? upload.problem.message : "";
    for (const name of ["stored", "present", "skipped"]) {
      part(name).textContent = upload.counts[name];
    }
    const builds = upload.jobs.filter((job) => job.series !== null);
    part("jobs").replaceChildren(...builds.map(jobRow));
    part("entries").replaceChildren(
      ...upload.entries.map((entry) => row(entry.name, words[entry.status], entry.message)),
    );
    part("more").hidden = upload.entry_count <= upload.entries.length;
  };

  const refresh = async () => {
    try {
      const answer = await fetch(`${address}?limit=${Math.min(shown, 1000)}`, { headers: { Accept: "application/json" } });
      if (answer.status === 401) {
        window.location.reload();
        return;
      }
      if (answer.ok) {
        const upload = await answer.json();
        show(upload);
        if (over.has(upload.state) && upload.jobs.every((job) => over.has(job.state))) {
          return;
        }
      }
    } catch {
      // The server may be starting again: keep asking.
    }
    window.setTimeout(refresh, 700);
  };

  part("more").addEventListener("click", () => {
    shown += 400;
    refresh();
  });
  refresh();
})();
