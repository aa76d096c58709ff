// Theme and language before the first paint: loaded as a plain script in the head, so that nothing flashes.
(function () {
  "use strict";
  const root = document.documentElement;
  const read = (name) => {
    try {
      return localStorage.getItem(`zhiyin.look.${name}`);
    } catch {
      return null; // storage is forbidden: the system's choice stands
    }
  };
  const theme = read("theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  const language = read("language") || (navigator.language || "en").slice(0, 2);
  root.lang = language === "zh" ? "zh" : "en";
})();
