"use strict";
(() => {
  const nodes = [...document.querySelectorAll(".node")];
  const search = document.querySelector("input[type=search]");
  const only = [...document.querySelectorAll("[data-only]")];
  const count = document.querySelector(".count");

  function filter() {
    const word = search.value.toLowerCase();
    const wanted = only.filter((button) => button.classList.contains("on"))
      .map((button) => button.dataset.only);
    let shown = 0;
    for (const node of nodes) {
      const fits = node.id.slice(5).toLowerCase().includes(word)
        && (!wanted.length || wanted.includes(node.dataset.status));
      node.hidden = !fits;
      shown += fits;
    }
    count.textContent = shown === nodes.length ? "" : `${shown} of ${nodes.length}`;
  }
  search.addEventListener("input", filter);
  for (const button of only) {
    button.addEventListener("click", () => { button.classList.toggle("on"); filter(); });
  }

  // A link to a node opens it, whatever is filtered.
  function open() {
    const node = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (node && node.matches("details")) {
      node.hidden = false;
      node.open = true;
      node.scrollIntoView({block: "start"});
    }
  }
  window.addEventListener("hashchange", open);
  open();

  const frame = document.querySelector(".graph");
  const drawing = frame.querySelector("svg");
  const width = drawing.viewBox.baseVal.width;
  const height = drawing.viewBox.baseVal.height;
  let scale = 1;
  function zoom(to) {
    scale = Math.min(4, Math.max(0.02, to));
    drawing.setAttribute("width", width * scale);
    drawing.setAttribute("height", height * scale);
  }
  const fit = () => zoom(Math.min(1, frame.clientWidth / width));
  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => {
      const by = button.dataset.zoom;
      if (by === "fit") fit(); else zoom(by === "1" ? 1 : by === "in" ? scale * 1.4 : scale / 1.4);
    });
  }
  // Text that is too small to read helps nobody: rather scroll.
  zoom(Math.max(0.6, Math.min(1, frame.clientWidth / width)));
  const first = drawing.querySelector(".start");
  if (first) {
    const box = first.getBoundingClientRect();
    const edge = frame.getBoundingClientRect();
    frame.scrollLeft += box.left + box.width / 2 - edge.left - frame.clientWidth / 2;
  }
})();
