// The report: charts from their specifications, the candle chart with its navigator, the trade list.
"use strict";
(() => {
  const { payload, unpack, draw, whenNear, esc, number, price } = tradewright;
  const $ = (id) => document.getElementById(id);
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const two = (value) => String(value).padStart(2, "0");

  // Times are wall-clock milliseconds, so they are read as if they were UTC.
  function when(ms, withTime = !payload.daily) {
    if (!Number.isFinite(ms)) return "";
    const d = new Date(ms);
    const day = `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())}`;
    return withTime ? `${day} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}` : day;
  }

  // ---- charts that come ready ----
  const figures = unpack(payload.figures);
  let log = Boolean(figures.equity?.log);
  for (const [name, figure] of Object.entries(figures)) {
    const element = $(`chart-${name}`);
    if (!element) continue;
    whenNear(element, () => {
      const run = draw(element, () => {
        if (name !== "equity") return figure;
        const yaxis = { ...figure.layout.yaxis, ...(log ? { type: "log", dtick: "D2" } : { type: "linear" }) };
        return { ...figure, layout: { ...figure.layout, yaxis } };
      });
      if (name === "equity" && $("log")) {
        $("log").addEventListener("click", () => {
          log = !log;
          $("log").setAttribute("aria-pressed", String(log));
          run();
        });
      }
    });
  }

  // ---- trades as columns ----
  const columns = unpack(payload.trades);
  const count = columns.number.length;
  const word = (column, row) => column.words[column.codes[row]] ?? "";
  const isOpen = (row) => columns.exitBar[row] < 0;

  // ---- candles ----
  const candles = unpack(payload.candles);
  const MAX_MARKED = 250;
  let chosen = 0;
  let span = null;
  let highlighted = -1;
  const last = payload.bars - 1;

  const levelFor = (levels, a) => levels.find((level) => a >= level.start - 0.5) ?? levels[levels.length - 1];
  function timeOf(bar) {
    const { levels } = candles[chosen];
    const level = levelFor(levels, bar);
    const place = Math.min(level.t.length - 1, Math.max(0, Math.floor((bar - level.start) / level.step)));
    return level.t[place];
  }

  // Candles between two bars, joined so that no more are drawn than can be told apart.
  function visible(a, b) {
    const { levels } = candles[chosen];
    const level = levelFor(levels, a);
    const width = $("chart-price").clientWidth || 900;
    const first = Math.max(0, Math.floor((a - level.start) / level.step));
    const end = Math.min(level.t.length, Math.ceil((b - level.start) / level.step) + 1);
    const join = Math.max(1, Math.ceil((end - first) / Math.max(60, Math.floor(width / 3.5))));
    const out = { x: [], o: [], h: [], l: [], c: [], text: [], bars: join * level.step };
    for (let i = first - (first % join); i < end; i += join) {
      const stop = Math.min(i + join, level.t.length);
      let o = NaN, h = -Infinity, l = Infinity, c = NaN;
      for (let k = Math.max(0, i); k < stop; k++) {
        if (Number.isNaN(level.c[k])) continue;
        if (Number.isNaN(o)) o = level.o[k];
        if (level.h[k] > h) h = level.h[k];
        if (level.l[k] < l) l = level.l[k];
        c = level.c[k];
      }
      if (Number.isNaN(c)) continue;
      out.x.push(level.start + level.step * (i + (stop - i - 1) / 2) + (level.step - 1) / 2);
      out.o.push(o); out.h.push(h); out.l.push(l); out.c.push(c);
      out.text.push(`<b>${when(level.t[stop - 1])}</b><br>open ${price(o)}  high ${price(h)}<br>low ${price(l)}  close ${price(c)}`);
    }
    return out;
  }

  function ticks(a, b) {
    const wanted = Math.max(3, Math.min(8, Math.floor(($("chart-price").clientWidth || 900) / 130)));
    const days = (timeOf(b) - timeOf(a)) / 86400000;
    const vals = [], text = [];
    for (let i = 0; i < wanted; i++) {
      const bar = Math.round(a + ((b - a) * (i + 0.5)) / wanted);
      if (bar < 0 || bar > last || vals.includes(bar)) continue;
      const d = new Date(timeOf(bar));
      const month = MONTHS[d.getUTCMonth()];
      vals.push(bar);
      text.push(
        days > 900 ? `${month} ${d.getUTCFullYear()}`
          : days > 5 || payload.daily ? `${d.getUTCDate()} ${month} ${d.getUTCFullYear()}`
            : `${d.getUTCDate()} ${month} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`);
    }
    return { vals, text };
  }

  function tradeText(row) {
    const side = columns.direction[row] > 0 ? "long" : "short";
    const lines = [
      `<b>Trade ${columns.number[row]}</b>  ${side} ${number(Math.abs(columns.quantity[row]), Number.isInteger(columns.quantity[row]) ? 0 : 4)} ${esc(word(columns.symbol, row))}`,
      `in ${when(columns.entryTime[row])} at ${price(columns.entryPrice[row])}  (${esc(word(columns.entryReason, row))})`,
      isOpen(row) ? `open, marked at ${price(columns.exitPrice[row])}`
        : `out ${when(columns.exitTime[row])} at ${price(columns.exitPrice[row])}  (${esc(word(columns.exitReason, row))})`,
    ];
    if (Number.isFinite(columns.stop[row])) lines.push(`stop ${price(columns.stop[row])}`);
    if (Number.isFinite(columns.target[row])) lines.push(`target ${price(columns.target[row])}`);
    lines.push(`<b>${number(columns.pnl[row], 2, true)}</b>  (${number(columns.ret[row] * 100, 2, true)} %)`);
    if (columns.ambiguous[row]) lines.push("depends on the order of high and low");
    return lines.join("<br>");
  }

  function tradeTraces(a, b) {
    const { asset } = candles[chosen];
    const rows = [];
    let hidden = 0;
    for (let row = 0; row < count; row++) {
      if (columns.asset[row] !== asset) continue;
      const out = isOpen(row) ? last : columns.exitBar[row];
      if (out < a || columns.entryBar[row] > b) continue;
      if (rows.length < MAX_MARKED) rows.push(row); else hidden++;
    }
    const traces = [];
    if (hidden) return { traces, hidden: hidden + rows.length };
    const line = (name, color, dash, width) => ({
      type: "scatter", mode: "lines", name, x: [], y: [], hoverinfo: "skip", line: { color, width, dash },
    });
    const won = line("won", "var(--gain)", "solid", 1.5), lost = line("lost", "var(--loss)", "solid", 1.5);
    const stop = line("stop", "var(--loss)", "dot", 1), target = line("target", "var(--gain)", "dot", 1);
    const marks = (name, size) => ({
      type: "scatter", mode: "markers", name, x: [], y: [], text: [], hovertemplate: "%{text}<extra></extra>",
      marker: { symbol: [], size, color: [], line: { width: 1.5, color: "var(--bg)" } },
    });
    const small = rows.length > 40;
    const entries = marks("entry", small ? 8 : 11), exits = marks("exit", small ? 6 : 8);
    for (const row of rows) {
      const inBar = columns.entryBar[row], outBar = isOpen(row) ? last : columns.exitBar[row];
      const path = columns.pnl[row] < 0 ? lost : won;
      path.x.push(inBar, outBar, null);
      path.y.push(columns.entryPrice[row], columns.exitPrice[row], null);
      for (const [level, trace] of [[columns.stop[row], stop], [columns.target[row], target]]) {
        if (Number.isFinite(level)) { trace.x.push(inBar, outBar, null); trace.y.push(level, level, null); }
      }
      const text = tradeText(row);
      entries.x.push(inBar); entries.y.push(columns.entryPrice[row]); entries.text.push(text);
      entries.marker.symbol.push(columns.direction[row] > 0 ? "triangle-up" : "triangle-down");
      entries.marker.color.push(row === highlighted ? "var(--warn)" : "var(--accent)");
      if (!isOpen(row)) {
        exits.x.push(outBar); exits.y.push(columns.exitPrice[row]); exits.text.push(text);
        exits.marker.symbol.push("square");
        exits.marker.color.push(row === highlighted ? "var(--warn)" : columns.pnl[row] < 0 ? "var(--loss)" : "var(--gain)");
      }
    }
    for (const trace of [stop, target, won, lost, entries, exits]) if (trace.x.length) traces.push(trace);
    return { traces, hidden: 0 };
  }

  function priceFigure() {
    const [a, b] = span;
    const found = visible(a, b);
    const marked = tradeTraces(a, b);
    let low = Infinity, high = -Infinity;
    for (const value of found.l) if (value < low) low = value;
    for (const value of found.h) if (value > high) high = value;
    // A range of prices that multiplied is only readable on a log axis.
    const wide = low > 0 && high > 8 * low;
    const pad = (high - low) * 0.06 || Math.abs(high) * 0.01 || 1;
    const at = ticks(a, b);
    const body = candles[chosen].closeOnly && found.bars === 1
      ? { type: "scatter", mode: "lines", x: found.x, y: found.c, text: found.text, hovertemplate: "%{text}<extra></extra>", line: { color: "var(--muted)", width: 1.3 } }
      : {
        type: "candlestick", x: found.x, open: found.o, high: found.h, low: found.l, close: found.c, hovertext: found.text, hoverinfo: "text",
        increasing: { line: { color: "var(--benchmark)", width: 1 }, fillcolor: "var(--bg)" },
        decreasing: { line: { color: "var(--benchmark)", width: 1 }, fillcolor: "var(--benchmark)" },
      };
    const base = figures.equity.layout;
    const axis = { ...base.yaxis, domain: [0, 1], type: "linear" };
    const note = [];
    if (found.bars > 1) note.push(`Each candle stands for ${number(found.bars, 0)} bars.`);
    if (wide) note.push("Prices are on a log scale.");
    if (marked.hidden) note.push(`${number(marked.hidden, 0)} trades lie in this range; look closer to see them.`);
    $("price-note").textContent = note.join(" ");
    return {
      data: [body, ...marked.traces],
      layout: {
        ...base, showlegend: false, hovermode: "closest", dragmode: "pan", uirevision: undefined, yaxis2: undefined,
        xaxis: { ...base.xaxis, anchor: "y", type: "linear", rangebreaks: undefined, hoverformat: undefined, range: [a - 0.6, b + 0.6], tickmode: "array", tickvals: at.vals, ticktext: at.text, rangeslider: { visible: false } },
        yaxis: { ...axis, tickformat: undefined, ...(wide ? { type: "log", dtick: "D2", range: [Math.log10(low) - 0.05, Math.log10(high) + 0.05] } : { range: [low - pad, high + pad] }), fixedrange: true },
      },
    };
  }

  function clamp(a, b) {
    const width = Math.max(10, Math.min(last + 1, b - a));
    const first = Math.max(0, Math.min(last - width, a));
    return [first, Math.min(last, first + width)];
  }

  // The newest bars, or those around the newest trade when it lies further back.
  function firstSpan() {
    let newest = -1;
    for (let row = 0; row < count; row++) {
      if (columns.asset[row] === candles[chosen].asset) newest = Math.max(newest, isOpen(row) ? last : columns.exitBar[row]);
    }
    const shown = Math.max(60, Math.min(240, Math.floor(($("chart-price").clientWidth || 900) / 4)));
    const end = newest >= 0 && newest < last - shown * 0.8 ? newest + Math.round(shown / 6) : last;
    return clamp(end - shown, end);
  }

  if (candles.length && payload.bars > 1) {
    const chart = $("chart-price");
    span = firstSpan();
    whenNear(chart, () => {
      const run = draw(chart, priceFigure);
      const navigate = rangeNavigator($("navigator"), (a, b) => go(a, b));
      let waiting = false;
      function go(a, b) {
        span = clamp(a, b);
        if (waiting) return;
        waiting = true;
        requestAnimationFrame(() => { waiting = false; run(); navigate.show(); });
      }
      chart.on("plotly_relayout", (change) => {
        const a = change["xaxis.range[0]"] ?? change["xaxis.range"]?.[0], b = change["xaxis.range[1]"] ?? change["xaxis.range"]?.[1];
        if (a !== undefined && b !== undefined) go(a, b);
      });
      chart.on("plotly_doubleclick", () => { go(0, last); return false; });
      new ResizeObserver(() => go(...span)).observe(chart);
      document.querySelectorAll("[data-span]").forEach((button) => button.addEventListener("click", () => {
        const wide = button.dataset.span === "all" ? last : Number(button.dataset.span);
        const middle = (span[0] + span[1]) / 2, atEnd = span[1] >= last - 1;
        if (atEnd) go(last - wide, last); else go(middle - wide / 2, middle + wide / 2);
      }));
      $("symbol")?.addEventListener("change", (event) => {
        chosen = Number(event.target.value);
        navigate.reset();
        go(...span);
      });
      window.addEventListener("tradewright:trade", (event) => {
        const row = event.detail;
        const place = candles.findIndex((c) => c.asset === columns.asset[row]);
        if (place < 0) return;
        if (place !== chosen) { chosen = place; if ($("symbol")) $("symbol").value = String(place); navigate.reset(); }
        highlighted = row;
        const a = columns.entryBar[row], b = isOpen(row) ? last : columns.exitBar[row];
        const margin = Math.max(20, (b - a) * 0.35);
        go(a - margin, b + margin);
        chart.scrollIntoView({ block: "center" });
      });
    });
  }

  // Whole history with a window that can be dragged, resized and moved by keys.
  function rangeNavigator(element, go) {
    const SVG = "http://www.w3.org/2000/svg";
    element.innerHTML = "";
    const svg = element.appendChild(document.createElementNS(SVG, "svg"));
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("viewBox", "0 0 1000 100");
    svg.setAttribute("aria-hidden", "true");
    const path = svg.appendChild(document.createElementNS(SVG, "path"));
    path.setAttribute("class", "line");
    const part = (style, label) => {
      const node = element.appendChild(document.createElement("div"));
      node.className = style;
      node.tabIndex = 0;
      node.setAttribute("role", "slider");
      node.setAttribute("aria-label", label);
      node.setAttribute("aria-valuemin", "0");
      node.setAttribute("aria-valuemax", String(last));
      return node;
    };
    const brush = part("brush", "Range shown"), left = part("edge", "First bar shown"), right = part("edge", "Last bar shown");

    function reset() {
      const { levels } = candles[chosen];
      const level = levels[levels.length - 1];
      const step = Math.max(1, Math.ceil(level.c.length / 1200));
      let low = Infinity, high = -Infinity;
      for (const value of level.c) { if (value < low) low = value; if (value > high) high = value; }
      const scale = low > 0 && high > 8 * low ? Math.log : (value) => value;
      const bottom = scale(low), height = scale(high) - bottom || 1;
      const points = [];
      for (let i = 0; i < level.c.length; i += step) {
        if (!Number.isNaN(level.c[i])) {
          points.push(`${(((level.start + i * level.step) / last) * 1000).toFixed(1)},${(92 - ((scale(level.c[i]) - bottom) / height) * 84).toFixed(1)}`);
        }
      }
      path.setAttribute("d", points.length ? `M${points.join("L")}` : "");
    }
    function show() {
      const [a, b] = span.map((bar) => (bar / last) * 100);
      brush.style.left = `${a}%`;
      brush.style.width = `${b - a}%`;
      left.style.left = `${a}%`;
      right.style.left = `${b}%`;
      for (const [node, bar] of [[brush, span[0]], [left, span[0]], [right, span[1]]]) {
        node.setAttribute("aria-valuenow", String(Math.round(bar)));
        node.setAttribute("aria-valuetext", when(timeOf(bar)));
      }
    }
    const moves = {
      brush: (from, delta) => [from[0] + delta, from[1] + delta],
      left: (from, delta) => [Math.max(0, Math.min(from[0] + delta, from[1] - 10)), from[1]],
      right: (from, delta) => [from[0], Math.min(last, Math.max(from[1] + delta, from[0] + 10))],
    };
    for (const [node, move] of [[brush, moves.brush], [left, moves.left], [right, moves.right]]) {
      node.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        node.focus({ preventScroll: true });
        node.setPointerCapture(event.pointerId);
        const start = event.clientX, from = [...span];
        const drag = (e) => go(...move(from, ((e.clientX - start) / element.clientWidth) * last));
        node.addEventListener("pointermove", drag);
        const end = () => node.removeEventListener("pointermove", drag);
        node.addEventListener("pointerup", end, { once: true });
        node.addEventListener("pointercancel", end, { once: true });
      });
      node.addEventListener("keydown", (event) => {
        const size = (event.shiftKey ? 1 : 0.1) * (span[1] - span[0]);
        const delta = { ArrowLeft: -size, ArrowRight: size, Home: -last, End: last }[event.key];
        if (delta === undefined) return;
        event.preventDefault();
        go(...move(span, delta));
      });
    }
    svg.addEventListener("pointerdown", (event) => {
      const bar = ((event.clientX - element.getBoundingClientRect().left) / element.clientWidth) * last;
      const half = (span[1] - span[0]) / 2;
      go(bar - half, bar + half);
    });
    reset();
    show();
    return { reset, show };
  }

  // ---- trade list ----
  const PAGE = 25;
  const many = new Set(columns.symbol.codes).size > 1;
  const quantity = (value) => number(Math.abs(value), Number.isInteger(value) ? 0 : 4);
  const FIELDS = [
    { key: "number", title: "#", value: (r) => columns.number[r] },
    many && { key: "symbol", title: "Symbol", text: true, value: (r) => word(columns.symbol, r) },
    { key: "side", title: "Side", text: true, value: (r) => (columns.direction[r] > 0 ? "long" : "short") },
    { key: "quantity", title: "Quantity", value: (r) => Math.abs(columns.quantity[r]), show: (r) => quantity(columns.quantity[r]) },
    { key: "entryTime", title: "Entry", value: (r) => columns.entryTime[r], show: (r) => when(columns.entryTime[r]) },
    { key: "entryPrice", title: "at", value: (r) => columns.entryPrice[r], show: (r) => price(columns.entryPrice[r]) },
    { key: "exitTime", title: "Exit", value: (r) => columns.exitTime[r], show: (r) => (isOpen(r) ? "open" : when(columns.exitTime[r])) },
    { key: "exitPrice", title: "at", value: (r) => columns.exitPrice[r], show: (r) => price(columns.exitPrice[r]) },
    { key: "bars", title: "Bars", value: (r) => (isOpen(r) ? last : columns.exitBar[r]) - columns.entryBar[r] },
    { key: "ret", title: "Return", value: (r) => columns.ret[r], show: (r) => `${number(columns.ret[r] * 100, 2, true)}\u202f%`, sign: true },
    { key: "pnl", title: "Profit", value: (r) => columns.pnl[r], show: (r) => number(columns.pnl[r], 2, true), sign: true },
    { key: "fees", title: "Fees", value: (r) => columns.fees[r], show: (r) => number(columns.fees[r], 2) },
    { key: "entryReason", title: "Why in", text: true, value: (r) => word(columns.entryReason, r) },
    { key: "exitReason", title: "Why out", text: true, value: (r) => word(columns.exitReason, r) + (columns.ambiguous[r] ? " *" : "") },
  ].filter(Boolean);
  // A phone shows the left columns first: dates and result before the rest.
  if (window.innerWidth < 560) {
    const rank = ["number", "symbol", "side", "entryTime", "exitTime", "ret", "pnl", "exitReason"];
    const place = (f) => (rank.includes(f.key) ? rank.indexOf(f.key) : rank.length);
    FIELDS.sort((p, q) => place(p) - place(q));
  }

  const table = $("trade-table");
  if (table) {
    let sort = { key: "number", down: false }, page = 0;
    let rows = Array.from({ length: count }, (_, row) => row);
    const head = table.tHead.insertRow();
    for (const field of FIELDS) {
      const cell = head.appendChild(document.createElement("th"));
      cell.scope = "col";
      cell.className = field.text ? "" : "n";
      const button = cell.appendChild(document.createElement("button"));
      button.type = "button";
      button.textContent = field.title;
      if (field.title === "at") button.setAttribute("aria-label", field.key === "entryPrice" ? "Entry price" : "Exit price");
      button.addEventListener("click", () => {
        sort = { key: field.key, down: sort.key === field.key ? !sort.down : !field.text && field.key !== "number" };
        page = 0;
        arrange();
      });
    }
    const field = () => FIELDS.find((f) => f.key === sort.key);

    function arrange() {
      const text = $("find").value.trim().toLowerCase(), side = $("side").value, outcome = $("outcome").value;
      rows = [];
      for (let row = 0; row < count; row++) {
        if (side && String(columns.direction[row]) !== side) continue;
        if (outcome === "win" && !(columns.pnl[row] > 0 && !isOpen(row))) continue;
        if (outcome === "loss" && !(columns.pnl[row] < 0 && !isOpen(row))) continue;
        if (outcome === "open" && !isOpen(row)) continue;
        if (outcome === "dependent" && !columns.ambiguous[row]) continue;
        if (text) {
          const hay = `${word(columns.symbol, row)} ${word(columns.entryReason, row)} ${word(columns.exitReason, row)} ${when(columns.entryTime[row])} ${when(columns.exitTime[row])}`;
          if (!hay.toLowerCase().includes(text)) continue;
        }
        rows.push(row);
      }
      const { value, text: isText } = field();
      const sign = sort.down ? -1 : 1;
      const rank = (v) => (Number.isNaN(v) ? Infinity : v);
      rows.sort((p, q) => sign * (isText ? value(p).localeCompare(value(q)) : rank(value(p)) - rank(value(q)) || 0) || p - q);
      [...head.cells].forEach((cell, place) => {
        if (FIELDS[place].key === sort.key) cell.setAttribute("aria-sort", sort.down ? "descending" : "ascending");
        else cell.removeAttribute("aria-sort");
      });
      fill();
    }
    function fill() {
      page = Math.max(0, Math.min(page, Math.ceil(rows.length / PAGE) - 1));
      const body = document.createElement("tbody");
      for (const row of rows.slice(page * PAGE, page * PAGE + PAGE)) {
        const line = body.insertRow();
        if (row === highlighted) line.className = "chosen";
        FIELDS.forEach((f, place) => {
          const cell = line.insertCell();
          const value = f.value(row), text = f.show ? f.show(row) : f.text ? value : number(value, 0);
          cell.className = (f.text ? "" : "n") + (f.sign && value > 0 ? " gain" : f.sign && value < 0 ? " loss" : "");
          if (place === 0 && candles.some((c) => c.asset === columns.asset[row])) {
            const button = cell.appendChild(document.createElement("button"));
            button.type = "button";
            button.className = "go";
            button.textContent = text;
            button.setAttribute("aria-label", `Show trade ${text} in the chart`);
            button.addEventListener("click", () => {
              window.dispatchEvent(new CustomEvent("tradewright:trade", { detail: row }));
              highlighted = row;
              fill();
            });
          } else cell.textContent = text;
        });
      }
      table.tBodies[0].replaceWith(body);
      const from = page * PAGE + 1, to = Math.min(rows.length, page * PAGE + PAGE);
      const note = rows.some((row) => columns.ambiguous[row]) ? "  * depends on the order of high and low" : "";
      $("trade-count").textContent = rows.length ? `${number(from, 0)} to ${number(to, 0)} of ${number(rows.length, 0)}${note}` : "No trade fits.";
      $("previous").disabled = page === 0;
      $("next").disabled = to >= rows.length;
    }
    $("previous").addEventListener("click", () => { page--; fill(); });
    $("next").addEventListener("click", () => { page++; fill(); });
    for (const id of ["find", "side", "outcome"]) $(id).addEventListener("input", () => { page = 0; arrange(); });
    $("csv").addEventListener("click", () => {
      const names = ["trade", "symbol", "direction", "quantity", "entry_time", "entry_price", "exit_time", "exit_price", "return", "pnl", "fees", "entry_reason", "exit_reason", "order_dependent"];
      // A text that starts like a formula would run in a spreadsheet.
      const quote = (v) => { const t = String(v); const safe = /^[=+\-@\t\r]/.test(t) && Number.isNaN(Number(t)) ? `'${t}` : t; return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe; };
      const lines = rows.map((r) => [columns.number[r], word(columns.symbol, r), columns.direction[r], columns.quantity[r], when(columns.entryTime[r]), columns.entryPrice[r],
        isOpen(r) ? "" : when(columns.exitTime[r]), columns.exitPrice[r], columns.ret[r], columns.pnl[r], columns.fees[r], word(columns.entryReason, r), word(columns.exitReason, r), columns.ambiguous[r]].map(quote).join(","));
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([[names.join(","), ...lines].join("\r\n") + "\r\n"], { type: "text/csv" }));
      link.download = "trades.csv";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
    arrange();
  }

  // ---- manifest ----
  $("copy")?.addEventListener("click", async () => {
    const text = $("manifest-text").textContent;
    let done = false;
    try { await toClipboard(text); done = true; } catch {
      const range = document.createRange();
      range.selectNodeContents($("manifest-text"));
      const selection = window.getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      done = document.execCommand("copy");
    }
    $("copy").textContent = done ? "Copied" : "Select and copy";
    setTimeout(() => { $("copy").textContent = "Copy"; }, 2000);
  });
  function toClipboard(text) {
    return window.navigator.clipboard ? window.navigator.clipboard.writeText(text) : Promise.reject(new Error("no clipboard"));
  }
})();
