// Runs before the page is drawn, so that a stored choice of colours does not flash.
(() => {
  "use strict";
  try {
    const stored = localStorage.getItem("tradewright-theme");
    if (stored === "light" || stored === "dark") document.documentElement.dataset.theme = stored;
  } catch { /* storage may be forbidden for local files */ }
})();
