// Before the first paint, so that nothing flashes: the theme chosen here earlier, else the system's.
(() => {
  const root = document.documentElement;
  const asked = () => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  let kept = null;
  try { kept = localStorage.getItem("keyart-theme"); } catch { /* storage is switched off */ }
  root.dataset.theme = kept === "dark" || kept === "light" ? kept : asked();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    if (!kept) root.dataset.theme = asked();
  });
  addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme").addEventListener("click", () => {
      kept = root.dataset.theme === "dark" ? "light" : "dark";
      root.dataset.theme = kept;
      try { localStorage.setItem("keyart-theme", kept); } catch { /* lasts for this visit only */ }
    });
  });
})();
