import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The files that take longest begin, so that no server is left with one of them at the end. */
const FIRST = ["pictures", "looks", "own-dashboards", "accounts"];
/** Those that apply programs end: nothing on their server comes after them. */
const LAST = ["formulas", "definitions"];

class Order extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const name = (f: TestSpecification) => /([^/]+)\.story\.ts$/.exec(f.moduleId)?.[1] ?? "";
    const place = (f: TestSpecification) =>
      FIRST.includes(name(f)) ? FIRST.indexOf(name(f)) : FIRST.length + 1 + LAST.indexOf(name(f));
    return files.toSorted((a, b) => place(a) - place(b) || name(a).localeCompare(name(b)));
  }
}

const servers = (JSON.parse(process.env.TENURE_SERVERS ?? "[{}]") as unknown[]).length;

// Stories drive a real browser against a running server. Those of one file share its data with the files before them on the same server,
// so there is one process for each server, and it takes one file after the other.
export default defineConfig({
  test: {
    include: ["stories/**/*.story.ts"],
    environment: "node",
    pool: "forks",
    maxWorkers: servers,
    fileParallelism: servers > 1,
    sequence: { sequencer: Order },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
