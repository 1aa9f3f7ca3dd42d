import "@mantine/core/styles.css";
import "./app/tokens.css";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";

// After an upgrade the pages of the old version are gone: one reload brings the new ones.
window.addEventListener("vite:preloadError", (e) => {
  const last = Number(sessionStorage.getItem("tenure.reloaded") ?? 0);
  if (Date.now() - last < 10_000) return;
  sessionStorage.setItem("tenure.reloaded", String(Date.now()));
  e.preventDefault();
  window.location.reload();
});

const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);
