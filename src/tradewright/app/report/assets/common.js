// Shared by every page: unpacks arrays, paints charts in the reader's colours, theme button, hints.
"use strict";
const tradewright = (() => {
  const root = document.documentElement;
  const payload = JSON.parse(document.getElementById("payload").textContent);
  const TYPES = { f4: Float32Array, f8: Float64Array, i4: Int32Array, i2: Int16Array, i1: Int8Array, u1: Uint8Array };
  const arrays = payload.arrays.map((packed) => {
    const text = atob(packed.b);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    return new TYPES[packed.t](bytes.buffer);
  });

  // Structure with references replaced by arrays.
  function unpack(value) {
    if (Array.isArray(value)) return value.map(unpack);
    if (value && typeof value === "object") {
      if (!ArrayBuffer.isView(value) && "$a" in value) return arrays[value.$a];
      if (ArrayBuffer.isView(value)) return value;
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unpack(item)]));
    }
    return value;
  }

  // Copy of a chart with colour tokens replaced by what the style sheet says now.
  let colours = new Map();
  function colour(token) {
    if (!colours.has(token)) colours.set(token, getComputedStyle(root).getPropertyValue(token).trim());
    return colours.get(token);
  }
  function paint(value) {
    if (Array.isArray(value)) return value.map(paint);
    if (value && typeof value === "object" && !ArrayBuffer.isView(value)) {
      return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined).map(([key, item]) => [key, paint(item)]));
    }
    const token = typeof value === "string" && /^var\((--[\w-]+)\)$/.exec(value);
    return token ? colour(token[1]) : value;
  }

  const CONFIG = { responsive: true, displayModeBar: false, scrollZoom: false, doubleClick: "reset" };
  const repaints = [];
  // Draws now and again whenever the colours change; `make` returns {data, layout}.
  function draw(element, make) {
    const run = () => {
      const figure = paint(make());
      if (window.innerWidth < 560 && figure.layout.xaxis) figure.layout.dragmode = false;
      return Plotly.react(element, figure.data, figure.layout, CONFIG);
    };
    repaints.push(run);
    run();
    return run;
  }
  function repaint() {
    colours = new Map();
    for (const run of repaints) run();
  }

  // Charts far down the page wait until they come near, so that the first screen is quick.
  function whenNear(element, action) {
    if (!("IntersectionObserver" in window)) return action();
    let done = false;
    const once = () => { if (!done) { done = true; watch.disconnect(); action(); } };
    const watch = new IntersectionObserver((found) => { if (found.some((f) => f.isIntersecting)) once(); }, { rootMargin: "600px" });
    watch.observe(element);
    window.addEventListener("beforeprint", once);
  }

  const THEMES = [["auto", "Auto", "as the system"], ["light", "Light", "light"], ["dark", "Dark", "dark"]];
  const button = document.getElementById("theme");
  function showTheme() {
    const now = THEMES.find((t) => t[0] === (root.dataset.theme || "auto"));
    document.getElementById("theme-text").textContent = now[1];
    button.setAttribute("aria-label", `Colours: ${now[2]}`);
  }
  button.addEventListener("click", () => {
    const place = THEMES.findIndex((t) => t[0] === (root.dataset.theme || "auto"));
    const next = THEMES[(place + 1) % THEMES.length][0];
    if (next === "auto") delete root.dataset.theme; else root.dataset.theme = next;
    try { localStorage.setItem("tradewright-theme", next); } catch { /* local files may have no storage */ }
    showTheme();
    repaint();
  });
  showTheme();
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);

  let before = null;
  window.addEventListener("beforeprint", () => {
    before = root.dataset.theme || null;
    root.dataset.theme = "light";
    document.querySelectorAll("details").forEach((d) => { d.open = true; });
    repaint();
  });
  window.addEventListener("afterprint", () => {
    if (before) root.dataset.theme = before; else delete root.dataset.theme;
    repaint();
  });

  // Hints: a description behind a name, by pointer, focus or touch.
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.role = "tooltip";
  tip.hidden = true;
  document.body.append(tip);
  function show(target) {
    tip.textContent = target.dataset.hint;
    tip.hidden = false;
    const box = target.getBoundingClientRect();
    const left = Math.min(Math.max(16, box.left), root.clientWidth - tip.offsetWidth - 16);
    const above = box.bottom + tip.offsetHeight + 16 > window.innerHeight;
    tip.style.left = `${left + window.scrollX}px`;
    tip.style.top = `${(above ? box.top - tip.offsetHeight - 8 : box.bottom + 8) + window.scrollY}px`;
    target.setAttribute("aria-describedby", "tip");
  }
  const hide = () => { tip.hidden = true; };
  document.querySelectorAll("[data-hint]").forEach((target) => {
    target.addEventListener("mouseenter", () => show(target));
    target.addEventListener("focus", () => show(target));
    target.addEventListener("click", () => show(target));
    target.addEventListener("mouseleave", hide);
    target.addEventListener("blur", hide);
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

  const esc = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`).replace(/%\{/g, "% {");
  function number(value, decimals, plus) {
    if (!Number.isFinite(value)) return "–";
    const text = Math.abs(value).toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    return (/[1-9]/.test(text) ? (value < 0 ? "−" : plus ? "+" : "") : "") + text;
  }
  // As many decimals as a price of that size is quoted with.
  function price(value) {
    const size = Math.abs(value);
    return number(value, size >= 1 || size === 0 ? 2 : Math.min(10, 3 - Math.floor(Math.log10(size))));
  }
  return { payload, unpack, paint, colour, draw, whenNear, esc, number, price };
})();
