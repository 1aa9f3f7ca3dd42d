import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// In development the page is served by Vite and the API by a running `tenure serve`.
const backend = process.env.TENURE_URL ?? "http://127.0.0.1:8080";

// Figures are written in the reader's language; the tests expect one and the same everywhere.
if (process.env.VITEST) process.env.LC_ALL = "en_US.UTF-8";

export default defineConfig({
  plugins: [react()],
  resolve: {
    alias: [
      { find: "@", replacement: fileURLToPath(new URL("./src", import.meta.url)) },
      // What jsPDF would load to put HTML on paper; only drawings are put there, so none of it is shipped.
      {
        find: /^(html2canvas|dompurify|canvg)$/,
        replacement: fileURLToPath(new URL("./src/shared/nothing.ts", import.meta.url)),
      },
    ],
  },
  server: { host: "127.0.0.1", proxy: { "/api": backend, "/health/": backend } },
  build: {
    target: "es2022",
    // Inlined assets would be data: URLs, which the content security policy does not need to allow.
    assetsInlineLimit: 0,
    reportCompressedSize: true,
    chunkSizeWarningLimit: 700,
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
