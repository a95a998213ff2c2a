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
    if (!fixed && (event.key === "j" || event.key === "k")) {
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

submitOnChoice();
countChosen();
editCells();
guardForm();

// A list follows the choice of a filter at once.
function submitOnChoice() {
  for (const select of document.querySelectorAll("select[data-submit]")) {
    select.addEventListener("change", () => select.form.requestSubmit());
  }
}

// How many are chosen is said where the change of many is made, and is always what will be sent.
function countChosen() {
  const form = document.querySelector("[data-bulk]");
  const said = form?.querySelector(".bulk__count");
  if (!said) return;
  const boxes = () => [...form.querySelectorAll('input[name="id"]')];
  const all = form.querySelector("[data-all]");
  const say = () => {
    const count = boxes().filter((box) => box.checked).length;
    const { none, one, many } = said.dataset;
    said.textContent = count === 0 ? none : count === 1 ? one : many.replace("{name}", count);
    for (const button of form.querySelectorAll("button[name=act]")) button.disabled = count === 0;
    if (all) all.checked = count > 0 && count === boxes().length;
  };
  if (all) {
    all.hidden = false;
    all.addEventListener("change", () => {
      for (const box of boxes()) box.checked = all.checked;
      say();
    });
  }
  form.addEventListener("change", say);
  // Enter in a field of the bar must not set off the first of its buttons.
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches(".bulk input")) event.preventDefault();
  });
  addEventListener("pageshow", say);
  say();
}

// Price and stock are changed where they stand. A version goes along, so that nothing of somebody else's is lost:
// both are shown and one is chosen.
function editCells() {
  const said = document.querySelector("[data-said]");
  for (const cell of document.querySelectorAll("[data-edit]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "cell__button";
    button.setAttribute("aria-label", `${cell.dataset.name}: ${cell.textContent.trim()}`);
    if (cell.dataset.key) button.dataset.key = cell.dataset.key;
    delete cell.dataset.key;
    button.textContent = cell.textContent.trim();
    button.addEventListener("click", () => edit(cell, button));
    cell.replaceChildren(button);
  }

  function edit(cell, button) {
    const input = document.createElement("input");
    input.className = "cell__input";
    input.inputMode = "decimal";
    input.value = cell.dataset.value;
    input.setAttribute("aria-label", cell.dataset.name);
    let done = false;
    const end = async (save) => {
      if (done) return;
      done = true;
      const value = input.value.trim();
      cell.replaceChildren(button);
      button.focus();
      if (save && value !== "" && value !== cell.dataset.value) await send(cell, button, value);
    };
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        end(true);
      } else if (event.key === "Escape") {
        end(false);
      }
    });
    input.addEventListener("blur", () => end(true));
    cell.replaceChildren(input);
    input.select();
  }

  async function send(cell, button, value) {
    const row = cell.closest("[data-product]");
    const address = `/api/products/${row.dataset.product}`;
    const field = cell.dataset.edit;
    try {
      const answer = await fetch(address, {
        method: "PATCH",
        headers: { "content-type": "application/json", "if-match": `"v${row.dataset.version}"` },
        body: JSON.stringify({ [field]: value }),
      });
      const body = await answer.json();
      if (answer.status === 412) return choose(cell, button, value, await (await fetch(address)).json());
      if (!answer.ok) throw new Error(body.detail);
      row.dataset.version = body.product.version;
      show(cell, button, body.product[field]);
      said.textContent = said.dataset.saved;
      cell.classList.add("cell--saved");
    } catch (error) {
      said.textContent = `${error.message} ${said.dataset.failed}`;
      button.setCustomValidity?.(error.message);
      button.reportValidity?.();
      button.setCustomValidity?.("");
    }
  }

  function show(cell, button, value) {
    cell.dataset.value = value;
    const money = cell.dataset.edit === "price";
    const text = Number(value).toLocaleString("en-IN", money ? { minimumFractionDigits: 2 } : {});
    button.textContent = money ? `₹${text}` : text;
    button.setAttribute("aria-label", `${cell.dataset.name}: ${button.textContent}`);
  }

  function choose(cell, button, value, product) {
    const dialog = document.querySelector("[data-conflict]");
    const row = cell.closest("[data-product]");
    dialog.querySelector("[data-theirs]").textContent = product[cell.dataset.edit];
    dialog.querySelector("[data-mine]").textContent = value;
    row.dataset.version = product.version;
    dialog.querySelector("[data-keep-theirs]").onclick = () => {
      show(cell, button, product[cell.dataset.edit]);
      dialog.close();
    };
    dialog.querySelector("[data-keep-mine]").onclick = () => {
      dialog.close();
      send(cell, button, value);
    };
    dialog.showModal();
  }
}

// Leaving a form that was changed and not saved asks once; Ctrl+S saves it.
function guardForm() {
  const form = document.querySelector("[data-guard]");
  if (!form) return;
  let changed = false;
  form.addEventListener("input", () => (changed = true));
  form.addEventListener("submit", () => (changed = false));
  addEventListener("beforeunload", (event) => changed && event.preventDefault());
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "s") {
      event.preventDefault();
      form.requestSubmit();
    }
  });
}
