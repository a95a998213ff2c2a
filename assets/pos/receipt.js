// Prints a bill on paper of its own length.

const button = document.getElementById("print");
const slip = document.getElementById("slip");
const width = Number(document.body.dataset.width);

button.hidden = false;
button.addEventListener("click", print);
if (new URLSearchParams(location.search).has("print")) requestAnimationFrame(print);

function print() {
  // A sheet made here may name the page's size, which no style in the document can know.
  const sheet = new CSSStyleSheet();
  const height = Math.ceil((slip.getBoundingClientRect().height * 25.4) / 96) + 8;
  sheet.replaceSync(`@page { size: ${width}mm ${Math.max(height, width)}mm; margin: 0; }`);
  document.adoptedStyleSheets = [sheet];
  window.print();
}
