// The page of a data check: one instrument at a time, and the map of all.
"use strict";
(() => {
  const { payload, unpack, draw, esc, number } = tradewright;
  const $ = (id) => document.getElementById(id);
  const series = unpack(payload.series);
  const map = payload.map && unpack(payload.map);
  const DAY = 86400000;
  const phone = () => window.innerWidth < 560;
  const axis = (more) => ({ ...payload.axis, ...more });
  const layout = (more) => ({ ...payload.layout, hovermode: "closest", ...more });
  const iso = (day) => new Date(day * DAY).toISOString().slice(0, 10);
  const percent = (x) => (Number.isNaN(x) ? "no bar due" : `${number(x * 100, x > 0.999 && x < 1 ? 2 : 1)} % there`);
  // From missing to there; what is whole stays quiet, so that holes stand out.
  const THERE = [[0, "var(--loss)"], [0.5, "var(--loss-mid)"], [0.9999, "var(--gain-pale)"], [1, "var(--accent-fill)"]];
  const GOOD = [[0, "var(--loss)"], [0.6, "var(--loss-mid)"], [0.95, "var(--gain-pale)"], [1, "var(--accent-fill)"]];
  // Heat maps take no tokens with transparency: two middle colours are mixed here from the theme's own.
  function mixed(scale) {
    const css = getComputedStyle(document.documentElement);
    const get = (name) => css.getPropertyValue(name).trim();
    const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
    const mix = (a, b, w) => `rgb(${rgb(a).map((x, i) => Math.round(x * (1 - w) + rgb(b)[i] * w)).join(",")})`;
    const named = {
      "var(--loss-mid)": mix(get("--loss"), get("--bg"), 0.45),
      "var(--gain-pale)": mix(get("--accent-fill"), get("--bg"), 0.6),
    };
    return scale.map(([at, colour]) => [at, named[colour] ?? colour]);
  }

  let current = Number($("symbol")?.value ?? 0);

  function calendar() {
    const s = series[current];
    const days = s.days, share = s.share;
    const first = days[0], last = days[days.length - 1];
    const long = last - first > 1200;
    const rows = new Map();
    let xs, ticks, names, ys;
    if (long) {
      // A year a line: the place in a leap year, so that months stand under each other.
      for (let i = 0; i < days.length; i++) {
        const date = new Date(days[i] * DAY);
        const year = date.getUTCFullYear();
        if (!rows.has(year)) rows.set(year, [new Array(366).fill(null), new Array(366).fill("")]);
        const at = Math.round((Date.UTC(2024, date.getUTCMonth(), date.getUTCDate()) - Date.UTC(2024, 0, 1)) / DAY);
        rows.get(year)[0][at] = share[i];
        rows.get(year)[1][at] = `${iso(days[i])}<br>${percent(share[i])}`;
      }
      xs = [...Array(366).keys()];
      ticks = [...Array(12).keys()].map((m) => Math.round((Date.UTC(2024, m, 15) - Date.UTC(2024, 0, 1)) / DAY));
      names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
      ys = [...rows.keys()].map(String);
    } else {
      // A week a column.
      const monday = (day) => Math.floor((day + 3) / 7);
      const from = monday(first), weeks = monday(last) - from + 1;
      const week = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
      let used = 5;
      for (let i = 0; i < days.length; i++) if ((days[i] + 3) % 7 > 4) used = 7;
      for (let d = 0; d < used; d++) rows.set(week[d], [new Array(weeks).fill(null), new Array(weeks).fill("")]);
      for (let i = 0; i < days.length; i++) {
        const line = rows.get(week[(days[i] + 3) % 7]);
        line[0][monday(days[i]) - from] = share[i];
        line[1][monday(days[i]) - from] = `${iso(days[i])}<br>${percent(share[i])}`;
      }
      xs = [...Array(weeks).keys()];
      ticks = []; names = [];
      let month = -1;
      for (let w = 0; w < weeks; w++) {
        const date = new Date((from + w) * 7 * DAY - 3 * DAY + 3 * DAY);
        const m = date.getUTCMonth();
        if (m !== month && (month < 0 ? date.getUTCDate() < 20 : true)) { ticks.push(w); names.push(date.toLocaleString("en", { month: "short", timeZone: "UTC" }) + (m === 0 || month < 0 ? `<br>${date.getUTCFullYear()}` : "")); }
        month = m;
      }
      while (ticks.length > (phone() ? 6 : 18)) { const keep = (_, i) => i % 2 === 0; ticks = ticks.filter(keep); names = names.filter(keep); }
      ys = [...rows.keys()];
    }
    const holes = share.reduce((n, x) => n + (x < 1 ? 1 : 0), 0);
    $("calendar-note").textContent = holes
      ? `${number(holes, 0)} of ${number(days.length, 0)} ${s.unit === "bar" ? "sessions lack at least one bar" : `${s.unit}s are missing`}.`
      : `All ${number(days.length, 0)} ${s.unit === "bar" ? "sessions are whole" : `${s.unit}s are there`}.`;
    const z = [...rows.values()].map((r) => r[0]);
    const height = long ? Math.max(200, 60 + 15 * ys.length) : 60 + 24 * ys.length;
    $("chart-calendar").style.height = `${height}px`;
    const marks = { x: [], y: [], text: [] };
    // A single missing day is a pixel wide: it is ringed so that it can be seen.
    z.forEach((line, r) => line.forEach((v, c) => { if (v !== null && v < 1) { marks.x.push(c); marks.y.push(ys[r]); marks.text.push([...rows.values()][r][1][c]); } }));
    const data = [{
      type: "heatmap", x: xs, y: ys, z, text: [...rows.values()].map((r) => r[1]), hovertemplate: "%{text}<extra></extra>", hoverongaps: false,
      colorscale: mixed(THERE), zmin: 0, zmax: 1, showscale: false, xgap: long ? 0 : 2, ygap: 2,
    }];
    if (long && marks.x.length && marks.x.length < 500) data.push({
      type: "scatter", mode: "markers", ...marks, hovertemplate: "%{text}<extra></extra>",
      marker: { symbol: "square-open", size: 9, color: "var(--loss)", line: { width: 2 } },
    });
    return {
      data,
      layout: layout({
        height,
        margin: { l: 4, r: 4, t: 4, b: 36 },
        xaxis: axis({ tickvals: ticks, ticktext: names, showgrid: false, range: [-1, xs.length], fixedrange: true }),
        yaxis: axis({ type: "category", autorange: "reversed", showgrid: false, nticks: phone() ? 8 : 36, fixedrange: true }),
      }),
    };
  }

  function price() {
    const s = series[current];
    const data = [{
      type: "scatter", mode: "lines", name: "Close", x: s.t, y: s.close, line: { color: "var(--accent)", width: 1.2 },
      hovertemplate: "%{x|" + (s.daily ? "%a %d %b %Y" : "%a %d %b %Y %H:%M") + "}<br><b>%{y:,.6~g}</b><extra></extra>",
    }];
    const words = [];
    for (const mark of payload.marks) {
      const m = s.marks[mark.key];
      if (!m.total) continue;
      words.push(`${mark.label.toLowerCase()} ${number(m.total, 0)}${m.t.length < m.total ? ` (${number(m.t.length, 0)} drawn)` : ""}`);
      data.push({
        type: "scatter", mode: "markers", name: mark.label, x: m.t, y: m.y,
        marker: { symbol: mark.symbol, size: mark.key === "outlier" ? 7 : 9, color: mark.color, line: { width: 1.4, color: mark.color } },
        hovertemplate: `${mark.label}<br>%{x|%a %d %b %Y${s.daily ? "" : " %H:%M"}}<extra></extra>`,
      });
    }
    const positive = s.close.length && Math.min(...s.close) > 0;
    const wide = positive && Math.max(...s.close) > 8 * Math.min(...s.close);
    $("price-note").textContent = (words.length ? `Marked: ${words.join(", ")}.` : "Nothing was objected to.") + (s.thinned ? ` The line shows the extremes of ${number(s.bars, 0)} bars.` : "");
    return {
      data,
      layout: layout({
        showlegend: data.length > 1,
        margin: { l: 0, r: 0, t: data.length > 1 ? 40 : 8, b: 0 },
        xaxis: axis({ type: "date", showgrid: false }),
        yaxis: axis({ type: wide ? "log" : "linear", side: "right", tickformat: ",.5~g", nticks: 6, dtick: wide ? "D2" : undefined }),
      }),
    };
  }

  function volume() {
    const s = series[current];
    const v = s.volume;
    const known = v.v.some((x) => !Number.isNaN(x));
    $("chart-volume").hidden = !known;
    $("volume-note").textContent = !known ? "No volume is known."
      : s.shifts.length ? `The level changes on ${s.shifts.slice(0, 8).map((b) => `${b.date} (x ${number(b.factor, b.factor < 1 ? 3 : 1)})`).join(", ")}${s.shifts.length > 8 ? ", ..." : ""}.`
        : "The level never changes by a factor that news does not explain.";
    const shapes = s.shifts.map((b) => ({ type: "line", x0: b.t, x1: b.t, yref: "paper", y0: 0, y1: 1, line: { color: "var(--loss)", width: 1.2, dash: "dot" } }));
    return {
      data: known ? [
        { type: "scatter", mode: "markers", name: "Session", x: v.t, y: v.v, marker: { size: 3.5, color: "var(--benchmark)" }, hovertemplate: "%{x|%a %d %b %Y}<br><b>%{y:,.4~s}</b><extra></extra>" },
        { type: "scatter", mode: "lines", name: "Median level", x: v.t, y: v.level, line: { color: "var(--accent)", width: 2, shape: "hv" }, hovertemplate: "level <b>%{y:,.4~s}</b><extra></extra>" },
      ] : [],
      layout: layout({
        shapes, showlegend: known, margin: { l: 0, r: 0, t: 36, b: 0 },
        xaxis: axis({ type: "date", showgrid: false }),
        yaxis: axis({ type: "log", side: "right", tickformat: ".2~s", dtick: 1 }),
      }),
    };
  }

  function quality() {
    const w = series[current].windows;
    const parts = ["score", "completeness", "validity", "freshness", "consistency"];
    const x = w.label.map((_, i) => i);
    const text = parts.map((p) => [...w.z[p]].map((v, i) => `${esc(w.label[i])}, ${p}<br><b>${number(v, 4)}</b><br>${number(w.present[i], 0)} of ${number(w.expected[i], 0)} there`));
    const step = Math.max(1, Math.ceil(x.length / (phone() ? 5 : 14)));
    const ticks = x.filter((i) => i % step === 0);
    return {
      data: [{
        type: "heatmap", x, y: parts, z: parts.map((p) => [...w.z[p]]), text, hovertemplate: "%{text}<extra></extra>", colorscale: mixed(GOOD), zmin: 0, zmax: 1,
        xgap: x.length < 80 ? 2 : 0, ygap: 3, colorbar: { thickness: 8, outlinewidth: 0, tickvals: [0, 0.5, 1], tickfont: { color: "var(--muted)", size: 11 } }, showscale: !phone(),
      }],
      layout: layout({
        margin: { l: 4, r: 4, t: 4, b: 24 },
        xaxis: axis({ tickvals: ticks, ticktext: ticks.map((i) => esc(w.label[i])), showgrid: false, fixedrange: true }),
        yaxis: axis({ type: "category", autorange: "reversed", showgrid: false, fixedrange: true }),
      }),
    };
  }

  function overview() {
    const scores = $("map-kind").value === "scores";
    const x = scores ? map.windows : map.t;
    const flat = scores ? map.scores : map.z;
    const width = x.length;
    const z = [], text = [];
    map.symbols.forEach((symbol, r) => {
      const line = flat.subarray(r * width, r * width + width);
      z.push([...line].map((v) => (Number.isNaN(v) ? null : v)));
      text.push([...line].map((v, c) => (scores ? `${esc(symbol)}, ${esc(x[c])}<br>quality <b>${number(v, 4)}</b>`
        : `${esc(symbol)}<br>${map.t[c]}${map.end[c] > map.t[c] ? ` to ${map.end[c]}` : ""}<br><b>${percent(v)}</b>${map.lost[r * width + c] ? `<br>${number(map.lost[r * width + c], 0)} sessions with holes` : ""}`)));
    });
    const dots = { x: [], y: [], text: [] };
    if (!scores) map.symbols.forEach((symbol, r) => z[r].forEach((v, c) => { if (v !== null && v < 1 && v > 0.97) { dots.x.push(c); dots.y.push(symbol); dots.text.push(text[r][c]); } }));
    const short = !scores && Date.parse(map.end[width - 1]) - Date.parse(map.t[0]) < 500 * DAY;
    const step = Math.max(1, Math.ceil(width / (phone() ? 4 : 10)));
    const ticks = [...Array(width).keys()].filter((i) => i % step === 0);
    const data = [{
      type: "heatmap", x: [...Array(width).keys()], y: map.symbols, z, text, hovertemplate: "%{text}<extra></extra>", hoverongaps: false, colorscale: mixed(scores ? GOOD : THERE), zmin: 0, zmax: 1,
      xgap: width < 60 ? 1.5 : 0.5, ygap: 2, showscale: false,
    }];
    // One session of many in a cell would not be seen.
    if (dots.x.length && dots.x.length < 6000) data.push({ type: "scatter", mode: "markers", ...dots, hovertemplate: "%{text}<extra></extra>", marker: { size: 5, color: "var(--loss)" } });
    return {
      data,
      layout: layout({
        margin: { l: 4, r: 4, t: 4, b: 24 },
        xaxis: axis({ tickvals: ticks, ticktext: ticks.map((i) => (scores ? esc(x[i]) : map.t[i].slice(0, short ? 10 : 7))), showgrid: false, range: [-0.7, width - 0.3], fixedrange: true }),
        yaxis: axis({ type: "category", autorange: "reversed", showgrid: false, tickfont: { color: "var(--muted)", size: phone() ? 9 : 11 }, dtick: 1, fixedrange: true }),
      }),
    };
  }

  const runs = [];
  if (series.length) {
    for (const [id, figure] of [["calendar", calendar], ["price", price], ["volume", volume], ["quality", quality]]) {
      const element = $(`chart-${id}`);
      if (element && (id !== "calendar" || series.some((s) => s.days.length))) runs.push(draw(element, figure));
    }
    $("symbol")?.addEventListener("change", (event) => { current = Number(event.target.value); runs.forEach((run) => run()); });
  }
  if (map && $("chart-map")) {
    const run = draw($("chart-map"), overview);
    $("map-kind").addEventListener("change", run);
  }
})();
