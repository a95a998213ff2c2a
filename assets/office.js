// What the pages of the back office gain from JavaScript. Each piece finds its own hook and does nothing without it;
// every page works with this file absent.

walkRows();
printPage();

// Letters for those who work through a list: j and k walk, Enter opens, and a row's own buttons name theirs in
// `data-key`. Letters are for the list alone: whoever types into a field is left in peace.
function walkRows() {
  if (!document.querySelector("[data-row]")) return;
  let at;

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest("input, select, textarea, [contenteditable], dialog")) return;
    if (localStorage.getItem("keys") === "off") return;
    const rows = [...document.querySelectorAll("[data-row]")];
    const fixed = rows.find((row) => "rowAlways" in row.dataset);
    const row = fixed ?? (rows.includes(at) ? at : document.activeElement.closest?.("[data-row]"));
    if (event.key === "/") {
      const find = document.querySelector("[data-find]");
      if (find) {
        event.preventDefault();
        find.focus();
      }
    } else if (!fixed && (event.key === "j" || event.key === "k")) {
      const step = event.key === "j" ? 1 : -1;
      const next = rows[Math.min(Math.max(rows.indexOf(row) + step, 0), rows.length - 1)];
      at = next;
      next?.querySelector("a[href], button")?.focus();
      next?.scrollIntoView({ block: "nearest" });
      event.preventDefault();
    } else if (row) {
      const button = row.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
      if (button) {
        event.preventDefault();
        button.click();
      }
    }
  });
}

function printPage() {
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }
}
