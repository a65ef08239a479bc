// Tables and lists below the panels: clicking leads to a frame and marks pages there.

function startSections() {
  for (const button of document.querySelectorAll("[data-frame]")) {
    button.addEventListener("click", () => {
      set({ playing: false, ...markOf(button.dataset) });
      seek(Number(button.dataset.frame));
      const number = button.dataset.panel ? Number(button.dataset.panel) : state.panel;
      document.querySelectorAll("#panels .panel")[number].scrollIntoView({ block: "nearest" });
    });
  }
  listen(["metric"], showTable);
  listen(["frame"], showPhaseRow);
  for (const button of document.querySelectorAll("[data-metric]")) {
    button.addEventListener("click", () => set({ metric: button.dataset.metric }));
  }
  showTable();
  showPhaseRow();
}

// What a row of findings or of failures marks: ranges of pfns in a panel.
function markOf({ panel, pfns }) {
  if (!pfns) return {};
  const per = data.pages_per_cell;
  const ranges = JSON.parse(pfns).map((range) => range.map((pfn) => Math.floor(pfn / per)));
  const number = panel === "" || panel === undefined ? state.panel : Number(panel);
  return { panel: number, marked: { panel: number, ranges }, cell: ranges[0][0] };
}

function showTable() {
  for (const table of document.querySelectorAll(".summary")) {
    table.classList.toggle("chosen", table.dataset.of === state.metric);
  }
  for (const button of document.querySelectorAll("[data-metric]")) {
    button.setAttribute("aria-pressed", String(button.dataset.metric === state.metric));
  }
}

function showPhaseRow() {
  const { name } = phaseAt(state.frame);
  for (const row of document.querySelectorAll(".summary tbody tr")) {
    row.classList.toggle("now", row.dataset.phase === name);
  }
}
