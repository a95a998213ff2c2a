// Keys, the command palette, and the sheet that names the keys.
//
// What the palette offers is read from the page: every link or button with `data-command`, by its words or by its
// `data-command` text when it has one. A list takes part in `/` by `data-search` on its search field.

const GO_MS = 1_500; // how long a `g` waits for its letter

const palette = document.getElementById("palette");
const sheet = document.getElementById("key-sheet");
if (palette && sheet) listen();

function listen() {
  let goUntil = 0;

  document.addEventListener("keydown", (event) => {
    const key = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && key === "k") {
      event.preventDefault();
      if (palette.open) palette.close();
      else openPalette();
      return;
    }
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;

    if (event.timeStamp < goUntil) {
      goUntil = 0;
      const link = document.querySelector(`[data-letter="${CSS.escape(key)}"]`);
      if (link) {
        event.preventDefault();
        link.click();
        return;
      }
    }
    if (key === "g") {
      goUntil = event.timeStamp + GO_MS;
    } else if (key === "/") {
      const field = document.querySelector("[data-search]");
      if (!field) return;
      event.preventDefault();
      field.focus();
      field.select?.();
    } else if (key === "?" || key === "f1") {
      event.preventDefault();
      sheet.showModal();
    }
  });

  for (const button of document.querySelectorAll("[data-open-palette]")) {
    button.hidden = false;
    button.addEventListener("click", openPalette);
  }

  const input = palette.querySelector("input");
  const list = palette.querySelector("ul");
  const none = palette.querySelector("[role=status]");
  let shown = [];
  let chosen = 0;

  input.addEventListener("input", () => show(input.value));
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (shown.length > 0) choose((chosen + step + shown.length) % shown.length);
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      run(shown[chosen]);
    }
  });
  list.addEventListener("click", (event) => {
    const row = event.target.closest("li");
    if (row) run(shown[[...list.children].indexOf(row)]);
  });
  // A click beside it puts it away.
  palette.addEventListener("click", (event) => event.target === palette && palette.close());

  function openPalette() {
    input.value = "";
    show("");
    palette.showModal();
    input.focus();
  }

  function show(typed) {
    const words = typed.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    shown = commands().filter(({ name }) => words.every((word) => name.toLocaleLowerCase().includes(word)));
    list.replaceChildren(
      ...shown.map(({ name, keys }, index) => {
        const row = document.createElement("li");
        row.id = `palette-${index}`;
        row.setAttribute("role", "option");
        const label = document.createElement("span");
        label.textContent = name;
        row.append(label);
        if (keys) {
          const hint = document.createElement("kbd");
          hint.textContent = keys;
          row.append(hint);
        }
        return row;
      }),
    );
    list.hidden = shown.length === 0;
    none.textContent = shown.length === 0 ? palette.dataset.none : "";
    choose(0);
  }

  function choose(index) {
    chosen = index;
    [...list.children].forEach((row, at) => row.setAttribute("aria-selected", String(at === index)));
    const row = list.children[index];
    if (row) {
      input.setAttribute("aria-activedescendant", row.id);
      row.scrollIntoView({ block: "nearest" });
    } else {
      input.removeAttribute("aria-activedescendant");
    }
  }

  function run(command) {
    if (!command) return;
    palette.close();
    command.element.click();
  }
}

// Pages first, then what else there is, each in the order of the page.
function commands() {
  const all = [...document.querySelectorAll("[data-command]")];
  const pages = all.filter((element) => element.dataset.letter);
  return [...pages, ...all.filter((element) => !element.dataset.letter)].map((element) => ({
    element,
    name: (element.dataset.command || element.textContent).trim().replace(/\s+/g, " "),
    keys: element.dataset.letter ? `g ${element.dataset.letter}` : "",
  }));
}

function isTyping(target) {
  const kinds = ["checkbox", "radio", "button", "submit", "reset", "range", "color", "file", "image"];
  if (target.isContentEditable || ["TEXTAREA", "SELECT"].includes(target.tagName)) return true;
  return target.tagName === "INPUT" && !kinds.includes(target.type);
}
