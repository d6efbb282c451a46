// The page of a sweep: one heat map at a time, chosen by metric and pair of parameters.
"use strict";
(() => {
  const { payload, unpack, draw, esc, number } = tradewright;
  const $ = (id) => document.getElementById(id);
  const pictures = unpack(payload.pictures);
  const chart = $("chart-map");
  if (!chart || !pictures.length) return;
  const pairs = [...new Set(pictures.map((p) => `${p.x}\u0000${p.y}`))];

  function current() {
    const pair = pairs[Number($("pair")?.value ?? 0)];
    const label = $("metric").value;
    return pictures.find((p) => p.label === label && `${p.x}\u0000${p.y}` === pair) ?? pictures.find((p) => p.label === label) ?? pictures[0];
  }
  const show = (p, value) => (p.percent ? `${number(value * 100, 2)} %` : number(value, p.whole ? 0 : 2));

  function bestOf(p) {
    let at = -1;
    for (let i = 0; i < p.z.length; i++) {
      if (!Number.isNaN(p.z[i]) && (at < 0 || (p.lower ? p.z[i] < p.z[at] : p.z[i] > p.z[at]))) at = i;
    }
    return at;
  }

  function figure() {
    const p = current();
    const best = bestOf(p);
    const title = (text) => ({ text: esc(text), font: { size: 12 }, standoff: 12 });
    const layout = { ...payload.layout, margin: { ...payload.layout.margin, b: 44 }, xaxis: { ...payload.layout.xaxis, title: title(p.x) }, yaxis: { ...payload.layout.yaxis } };
    if (!p.y) {
      layout.yaxis = { ...layout.yaxis, type: "linear", showgrid: true, side: "right", tickformat: p.percent ? ".0%" : undefined };
      const marks = p.xs.map((_, i) => (i === best ? 10 : 5));
      return {
        data: [{
          type: "scatter", mode: "lines+markers", x: p.xs, y: p.z, line: { color: "var(--accent)", width: 1.6 },
          marker: { size: marks, color: "var(--accent)" }, text: p.xs.map((x, i) => `${esc(p.x)} ${esc(x)}<br><b>${show(p, p.z[i])}</b>`),
          hovertemplate: "%{text}<extra></extra>",
        }],
        layout,
      };
    }
    layout.yaxis.title = title(p.y);
    const width = p.xs.length;
    const z = [], text = [];
    let low = Infinity, high = -Infinity;
    for (let row = 0; row < p.rows; row++) {
      const line = p.z.subarray(row * width, row * width + width);
      z.push([...line].map((v) => (Number.isNaN(v) ? null : v)));
      text.push([...line].map((v, i) => `${esc(p.x)} ${esc(p.xs[i])}, ${esc(p.y)} ${esc(p.ys[row])}<br><b>${show(p, v)}</b>`));
      for (const v of line) { if (v < low) low = v; if (v > high) high = v; }
    }
    // Around zero where both signs occur, so that losing sets are told from winning ones; else pale to deep.
    const both = low < 0 && high > 0 && !p.lower;
    const reach = Math.max(-low, high);
    const scale = both ? [[0, "var(--loss)"], [0.5, "var(--surface)"], [1, "var(--gain)"]]
      : p.lower ? [[0, "var(--accent)"], [1, "var(--line)"]] : [[0, "var(--line)"], [1, "var(--accent)"]];
    const x = best % width, y = Math.floor(best / width);
    layout.shapes = [{ type: "rect", x0: x - 0.5, x1: x + 0.5, y0: y - 0.5, y1: y + 0.5, line: { color: "var(--ink)", width: 2 } }];
    layout.xaxis.range = [-0.5, width - 0.5];
    layout.yaxis.range = [-0.5, p.rows - 0.5];
    const phone = window.innerWidth < 560;
    return {
      data: [{
        type: "heatmap", x: p.xs, y: p.ys, z, text, hovertemplate: "%{text}<extra></extra>", colorscale: scale, xgap: width < 60 ? 1.5 : 0, ygap: p.rows < 60 ? 1.5 : 0,
        zmin: both ? -reach : low, zmax: both ? reach : high,
        colorbar: {
          thickness: 10, outlinewidth: 0, tickformat: p.percent ? ".0%" : undefined, tickfont: { color: "var(--muted)", size: 11 },
          ...(phone ? { orientation: "h", y: 1.02, yanchor: "bottom", len: 1 } : { len: 0.9 }),
        },
      }],
      layout,
    };
  }
  const run = draw(chart, figure);
  $("metric").addEventListener("change", run);
  $("pair")?.addEventListener("change", run);
})();
