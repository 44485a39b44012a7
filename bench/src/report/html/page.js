// Two services of the page: the heads of tables sort, and the marks of charts tell their values.
"use strict";

for (const table of document.querySelectorAll("table.sort")) makeSortable(table);
for (const plot of document.querySelectorAll(".plot")) makeTelling(plot);

// A click on a head sorts by its column, a second one turns the order round, a third one
// brings back the order of the page.
function makeSortable(table) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows].at(-1).cells;
  for (const [column, head] of [...heads].entries()) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const next = { none: "ascending", ascending: "descending", descending: "none" };
      const order = next[head.getAttribute("aria-sort")];
      for (const other of heads) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", order);
      table.classList.toggle("sorted", order !== "none");
      body.append(...(order === "none" ? rows : sorted(rows, column, order === "descending")));
    });
  }
}

// Rows in the order of a column: numbers by value, words by letters, what is missing last in both directions.
function sorted(rows, column, descending) {
  const key = (row) => {
    const cell = row.cells[column];
    const text = cell.textContent.trim();
    if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
    return text === "" || text === "–" ? undefined : text;
  };
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
  return rows
    .map((row) => ({ row, key: key(row) }))
    .sort((a, b) => {
      if (a.key === undefined || b.key === undefined) return (a.key === undefined) - (b.key === undefined);
      return descending ? compare(b.key, a.key) : compare(a.key, b.key);
    })
    .map(({ row }) => row);
}

// One box for all charts tells what the mark at the pointer, the finger or the keyboard stands for.
function tip() {
  if (!tip.box) {
    tip.box = document.createElement("div");
    tip.box.className = "tip";
    tip.box.setAttribute("role", "status");
    document.body.append(tip.box);
    const hide = () => tip.hide();
    document.addEventListener("pointerdown", (event) => event.target.closest(".plot") || hide());
    addEventListener("scroll", () => tip.mark && !tip.keyboard && hide(), { capture: true, passive: true });
  }
  return tip.box;
}

tip.hide = () => {
  tip.mark?.classList.remove("at");
  tip.mark = undefined;
  tip.box?.classList.remove("shown");
};

tip.show = (mark, x, y, keyboard) => {
  const box = tip();
  if (tip.mark !== mark) {
    tip.hide();
    tip.mark = mark;
    mark.classList.add("at");
    box.textContent = mark.dataset.tip;
  }
  tip.keyboard = keyboard;
  const { offsetWidth: width, offsetHeight: height } = box;
  const edge = 8;
  const left = Math.min(Math.max(x - width / 2, edge), document.documentElement.clientWidth - width - edge);
  const above = y - height - 14;
  box.style.left = `${Math.max(left, edge)}px`;
  box.style.top = `${above < edge ? y + 18 : above}px`;
  box.classList.add("shown");
};

function makeTelling(plot) {
  const marks = [...plot.querySelectorAll(".mark[data-tip]")];
  if (marks.length === 0) return;
  tip();
  plot.tabIndex = 0;
  plot.setAttribute("role", "group");
  // A browser shows the title over what is pointed at; the picture keeps its name as a label.
  const title = plot.querySelector("title");
  title?.remove();
  plot.setAttribute("aria-label", `${title?.textContent ?? "Chart"}. The arrow keys step through its values.`);
  plot.addEventListener("pointermove", (event) => event.pointerType === "mouse" && point(event));
  plot.addEventListener("pointerdown", point);
  plot.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && tip.hide());
  plot.addEventListener("blur", () => tip.hide());
  plot.addEventListener("keydown", step);

  function point(event) {
    const mark = nearest(event.clientX, event.clientY, event.target);
    if (mark) tip.show(mark, event.clientX, event.clientY, false);
    else tip.hide();
  }

  // The smallest mark under a place, or else the nearest one that a finger could have meant; a line
  // only when it is touched itself, as the box around it is mostly empty.
  function nearest(x, y, touched) {
    let best;
    for (const mark of marks) {
      if (mark.localName === "path" && mark !== touched) continue;
      const box = mark.getBoundingClientRect();
      const away = Math.hypot(Math.max(box.left - x, 0, x - box.right), Math.max(box.top - y, 0, y - box.bottom));
      const size = box.width * box.height;
      if (away <= 24 && (!best || away < best.away || (away === best.away && size < best.size))) {
        best = { mark, away, size };
      }
    }
    return best?.mark;
  }

  function step(event) {
    const at = marks.indexOf(tip.mark);
    const to = {
      ArrowRight: at + 1,
      ArrowDown: at + 1,
      ArrowLeft: at < 0 ? marks.length - 1 : at - 1,
      ArrowUp: at < 0 ? marks.length - 1 : at - 1,
      Home: 0,
      End: marks.length - 1,
    }[event.key];
    if (event.key === "Escape") tip.hide();
    if (to === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const mark = marks[Math.min(Math.max(to, 0), marks.length - 1)];
    mark.scrollIntoView({ block: "nearest", inline: "nearest" });
    const box = mark.getBoundingClientRect();
    tip.show(mark, box.left + box.width / 2, box.top, true);
  }
}
