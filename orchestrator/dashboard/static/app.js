// Charts, the blueprint's graph, times in words, the theme, keys, and whether the page is being kept up to date. All of it is an addition:
// the pages are complete without.
"use strict";
(() => {
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const dark = () => {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };

  // Charts -----------------------------------------------------------------------------------------------------------
  const drawn = new Map();
  function drawCharts(again) {
    for (const [box, chart] of drawn) {
      if (!box.isConnected || again || !box.firstChild) { chart.destroy(); drawn.delete(box); }
    }
    for (const box of document.querySelectorAll("[data-chart]")) {
      if (drawn.has(box) && box.shown === box.dataset.chart) continue;
      if (drawn.has(box)) { drawn.get(box).destroy(); drawn.delete(box); }
      const { kind, x, series } = JSON.parse(box.dataset.chart);
      if (!x.length) continue;
      const ink = css("--ink"), line = css("--line");
      const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: "12px system-ui" };
      const steps = kind === "steps" ? { paths: uPlot.paths.stepped({ align: 1 }) } : {};
      const chart = new uPlot({
        width: Math.max(200, box.clientWidth), height: 220,
        axes: [{ ...axis, space: 90 }, { ...axis, size: 48 }],
        padding: [8, 30, 0, 0],
        scales: { x: { time: true } },
        legend: { live: true },
        series: [{}, ...series.map((one, number) => ({
          label: one.label, stroke: css(`--series-${number % 6 + 1}`), width: 2, spanGaps: true,
          points: { show: x.length < 60 }, ...steps,
        }))],
      }, [x, ...series.map((one) => one.y)], box);
      box.shown = box.dataset.chart;
      drawn.set(box, chart);
    }
  }
  addEventListener("resize", () => {
    for (const [box, chart] of drawn) chart.setSize({ width: Math.max(200, box.clientWidth), height: 220 });
  });

  // The blueprint's graph: laid out by dagre in a worker, moved about with Panzoom -----------------------------------
  const SVG = "http://www.w3.org/2000/svg";
  const make = (name, values, ...inside) => {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(values)) node.setAttribute(key, value);
    node.append(...inside);
    return node;
  };
  const short = (text) => text.length > 30 ? `${text.slice(0, 29)}…` : text;
  const width = (label) => 28 + 7.4 * short(label).length;
  let laying = null;
  function drawGraph() {
    const box = document.querySelector("[data-graph]");
    if (!box || box.shown === box.dataset.graph) return;
    const given = box.shown = box.dataset.graph;
    const { nodes, edges } = JSON.parse(given);
    laying ??= new Worker("/static/graph.worker.js");
    laying.onmessage = ({ data }) => { if (given === box.dataset.graph) showGraph(box, nodes, edges, data); };
    const rankdir = box.clientWidth < 600 ? "LR" : "TB";
    laying.postMessage({ rankdir, nodes: nodes.map((one) => ({ key: one.key, width: width(one.label), height: 38 })), edges });
  }
  function showGraph(box, nodes, edges, placed) {
    const inside = make("g", {});
    const head = make("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
      make("path", { d: "M0 0L8 4L0 8z" }));
    edges.forEach((edge, number) => inside.append(make("path", {
      class: edge.dashed ? "edge dashed" : "edge", "marker-end": "url(#arrow)",
      d: placed.edges[number].map(({ x, y }, at) => `${at ? "L" : "M"}${x} ${y}`).join(""),
    })));
    for (const { key, label, box: square, look } of nodes) {
      const { x, y } = placed.nodes[key], w = width(label);
      inside.append(make("a", { href: `#node-${key}`, "aria-label": label }, make("g", { class: `node ${look}` },
        make("rect", { x: x - w / 2, y: y - 19, width: w, height: 38, rx: square ? 4 : 19 }),
        make("text", { x, y: y + 4.5 }, short(label)))));
    }
    const canvas = box.querySelector(".canvas");
    canvas.replaceChildren(make("svg", { viewBox: `-8 -8 ${placed.width + 16} ${placed.height + 16}`, role: "group",
      "aria-label": "Arrows lead from each node to the nodes that use it" }, make("defs", {}, head), inside));
    const panned = Panzoom(canvas, { maxScale: 12, minScale: 0.5, step: 0.4, canvas: true, cursor: "grab" });
    const act = { in: () => panned.zoomIn(), out: () => panned.zoomOut(), fit: () => panned.reset() };
    for (const button of box.querySelectorAll("[data-zoom]")) button.onclick = act[button.dataset.zoom];
    // A page that is scrolled past the graph is not held up by it.
    box.onwheel = (event) => { if (event.ctrlKey || event.metaKey) panned.zoomWithWheel(event); };
    markNode();
  }
  function markNode() {
    for (const link of document.querySelectorAll(".graph a")) {
      link.toggleAttribute("data-current", new URL(link.getAttribute("href"), location).hash === location.hash);
    }
  }
  addEventListener("hashchange", markNode);

  // Times ------------------------------------------------------------------------------------------------------------
  function told(at, now) {
    const seconds = (now - at) / 1000;
    if (seconds < -5) {
      const time = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
      return at.toDateString() === new Date(now).toDateString() ? time : `${time} on ${at.toLocaleDateString()}`;
    }
    if (seconds < 5) return "just now";
    if (seconds < 90) return `${Math.round(seconds)} s ago`;
    if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
    if (seconds < 129600) return `${Math.round(seconds / 3600)} h ago`;
    return `${Math.round(seconds / 86400)} days ago`;
  }
  function tellTimes() {
    const now = Date.now();
    for (const time of document.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      time.title ||= at.toLocaleString();
      const words = told(at, now);
      if (time.textContent !== words) time.textContent = words;
    }
    for (const box of document.querySelectorAll("[data-since]")) {
      const seconds = Math.max(0, Math.round((now - new Date(box.dataset.since)) / 1000));
      const over = Number(box.dataset.limit) > 0 && seconds > Number(box.dataset.limit);
      box.classList.toggle("over", over);
      box.textContent = `${seconds} s${over ? ", over its limit" : ""}`;
    }
  }

  // Theme ------------------------------------------------------------------------------------------------------------
  document.getElementById("theme")?.addEventListener("click", () => {
    const next = dark() ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try { localStorage.setItem("theme", next); } catch { /* only for this page then */ }
    drawCharts(true);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawCharts(true));

  // Keys -------------------------------------------------------------------------------------------------------------
  const pages = { o: "/", g: "/goals", s: "/strategies", r: "/runs", b: "/blueprint", m: "/marketplace", p: "/premises" };
  let leading = 0;
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
    if (event.key === "/") {
      const search = document.getElementById("search");
      if (search) { event.preventDefault(); search.focus(); } else location.href = "/goals";
    } else if (event.key === "g" && Date.now() - leading > 1000) {
      leading = Date.now();
    } else if (Date.now() - leading < 1000 && pages[event.key]) {
      location.href = pages[event.key];
    }
  });

  for (const box of document.querySelectorAll("details[data-wide]")) box.open = innerWidth >= 900;
  addEventListener("change", (event) => { if (event.target.matches("select[data-submit]")) event.target.form.submit(); });

  // Live -------------------------------------------------------------------------------------------------------------
  const sign = document.getElementById("connection");
  function say(words, state) { if (sign) { sign.textContent = words; sign.dataset.state = state; } }
  document.body.addEventListener("htmx:sseOpen", () => say("live", "on"));
  document.body.addEventListener("htmx:sseError", () => say("reconnecting", "off"));
  const refresh = () => { drawCharts(false); drawGraph(); tellTimes(); };
  document.body.addEventListener("htmx:sseMessage", refresh);
  document.body.addEventListener("htmx:afterSwap", refresh);
  addEventListener("pagehide", () => document.querySelectorAll("[sse-connect]").forEach((box) => htmx.remove(box)));

  // What a person has opened, typed or chosen in a part that is pushed stays as it is.
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
    !(name === "open" && node.tagName === "DETAILS") && !(name === "checked" || name === "selected") &&
    !(name === "class" && node.classList.contains("new"));
  // A row that was not there before is shown to be new where it is put, and nowhere else.
  Idiomorph.defaults.callbacks.afterNodeAdded = (node) => {
    if (node.nodeType === 1 && node.matches("li[id], tr[id]")) node.classList.add("new");
  };
  Idiomorph.defaults.callbacks.beforeNodeMorphed = (old, fresh) => {
    if (old.nodeType !== 1) return true;
    if (old.matches("input, select, textarea")) return false;
    if (old.matches("[data-chart]") && old.dataset.chart === fresh.dataset.chart) return false;
    if (old.matches("[data-graph]")) { old.dataset.graph = fresh.dataset.graph; return false; }
    return true;
  };
  refresh();
  setInterval(tellTimes, 1000);
})();
