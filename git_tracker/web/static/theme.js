// A classic script in <head>: it runs before the first paint, so a remembered theme never flashes.
(() => {
  try {
    const theme = localStorage.getItem("git-tracker.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    /* storage may be switched off; the system's theme is then used */
  }
})();
