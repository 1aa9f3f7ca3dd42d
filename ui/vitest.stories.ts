import { defineConfig } from "vitest/config";

// Stories drive a real browser against a running server, one after the other: they share its data.
export default defineConfig({
  test: {
    include: ["stories/**/*.story.ts"],
    environment: "node",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
});
