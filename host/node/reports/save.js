// The script of a report, without which it shows all the same: saves a figure as an SVG or a PNG file.

/** The height of a title above a chart, and the pixels of a PNG for each CSS pixel. */
const TITLE = 26;
const DENSITY = 2;

/** A chart as a document of its own, in the colors that it has on the page now. */
function documentOf(svg) {
  const copy = svg.cloneNode(true);
  const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
  const paper = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  const title = document.createElementNS("http://www.w3.org/2000/svg", "text");
  const place = { y: -TITLE, width, height: height + TITLE };
  const look = { fill: getComputedStyle(document.body).backgroundColor };
  for (const [name, value] of Object.entries({ ...place, ...look })) paper.setAttribute(name, value);
  title.textContent = svg.getAttribute("aria-label");
  const style = {
    x: 8,
    y: -8,
    fill: "currentColor",
    "font-size": 14,
    "font-weight": 600,
    "text-anchor": "start",
  };
  for (const [name, value] of Object.entries(style)) title.setAttribute(name, value);
  copy.prepend(paper, title);
  copy.setAttribute("viewBox", `0 ${-TITLE} ${width} ${height + TITLE}`);
  copy.setAttribute("width", width);
  copy.setAttribute("height", height + TITLE);
  copy.style.maxWidth = "none";
  copy.style.color = getComputedStyle(svg).color;
  copy.style.fontFamily = "sans-serif";
  return new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" });
}

/** A picture of a document of SVG. */
async function pictureOf(svg) {
  const image = new Image();
  image.src = URL.createObjectURL(svg);
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = DENSITY * image.width;
  canvas.height = DENSITY * image.height;
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(image.src);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** Saves a chart as a file with the name of the chart. */
async function saveChart(svg, kind) {
  const name = svg
    .getAttribute("aria-label")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  const file = documentOf(svg);
  save(kind === "PNG" ? await pictureOf(file) : file, `${name}.${kind.toLowerCase()}`);
}

function save(file, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href));
}

for (const svg of document.querySelectorAll("figure > svg[role=img]")) {
  const row = document.createElement("p");
  row.className = "save";
  for (const kind of ["SVG", "PNG"]) {
    const button = document.createElement("button");
    button.textContent = kind;
    button.title = `Save as ${kind}`;
    button.addEventListener("click", () => {
      void saveChart(svg, kind);
    });
    row.append(button);
  }
  svg.after(row);
}
