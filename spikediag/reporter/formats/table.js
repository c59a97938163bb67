// Sorts the table of runs by a column when its head is chosen, and shows the rows that hold the words typed.
"use strict";
const table = document.getElementById("runs");
const body = table.tBodies[0];
const heads = [...table.tHead.rows[0].cells];
const key = (row, n) => {
  const cell = row.cells[n];
  return cell.dataset.sort === undefined ? cell.textContent : Number(cell.dataset.sort);
};
const empty = (value) => value === "";
function compare(a, b) {
  if (empty(a) || empty(b)) return empty(a) - empty(b);
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), undefined, { numeric: true });
}
function sort(n) {
  const head = heads[n];
  const down = head.getAttribute("aria-sort") === "ascending";
  heads.forEach((one) => one.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const rows = [...body.rows].map((row, at) => ({ row, at, value: key(row, n) }));
  rows.sort((a, b) => {
    const order = compare(a.value, b.value);
    return (empty(a.value) || empty(b.value) || !down ? order : -order) || a.at - b.at;
  });
  body.append(...rows.map((one) => one.row));
}
heads.forEach((head, n) => {
  if (!head.textContent) return;
  head.tabIndex = 0;
  head.addEventListener("click", () => sort(n));
  head.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      sort(n);
    }
  });
});
document.getElementById("filter").addEventListener("input", (event) => {
  const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of body.rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
  }
});
