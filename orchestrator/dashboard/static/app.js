// Charts, times in words, the theme, keys, and whether the page is being kept up to date. All of it is an addition:
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
        axes: [{ ...axis }, { ...axis, size: 48 }],
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

  // Times ------------------------------------------------------------------------------------------------------------
  function ago(seconds) {
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
      const words = ago((now - at) / 1000);
      if (time.textContent !== words) time.textContent = words;
    }
    for (const box of document.querySelectorAll("[data-since]")) {
      box.textContent = `${Math.max(0, Math.round((now - new Date(box.dataset.since)) / 1000))} s`;
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

  // Live -------------------------------------------------------------------------------------------------------------
  const sign = document.getElementById("connection");
  function say(words, state) { if (sign) { sign.textContent = words; sign.dataset.state = state; } }
  document.body.addEventListener("htmx:sseOpen", () => say("live", "on"));
  document.body.addEventListener("htmx:sseError", () => say("reconnecting", "off"));
  document.body.addEventListener("htmx:sseMessage", () => { drawCharts(false); tellTimes(); });
  addEventListener("pagehide", () => document.querySelectorAll("[sse-connect]").forEach((box) => htmx.remove(box)));

  // What a person has opened, typed or chosen in a part that is pushed stays as it is.
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
    !(name === "open" && node.tagName === "DETAILS") && !(name === "checked" || name === "selected");
  Idiomorph.defaults.callbacks.beforeNodeMorphed = (old, fresh) => {
    if (old.nodeType !== 1) return true;
    if (old.matches("input, select, textarea")) return false;
    if (old.matches("[data-chart]") && old.dataset.chart === fresh.dataset.chart) return false;
    return true;
  };
  drawCharts(false);
  tellTimes();
  setInterval(tellTimes, 1000);
})();
