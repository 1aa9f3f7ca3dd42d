// Runs the stories on the real program: simulated companies in folders of their own, served on free ports, ended with the run.
// TENURE_BINARY names the program; CHROMIUM names the browser, when it is not found by itself. Further arguments go to vitest.
import { spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A company that is measured within seconds, and old enough that every KPI has a year behind it. */
const COMPANY = ["--accounts", "60", "--months", "14"];
const READY_WITHIN_MS = 180_000;
const STOPPED_WITHIN_MS = 20_000;
const BROWSERS = ["chromium", "chromium-browser", "google-chrome"];

const ui = dirname(dirname(fileURLToPath(import.meta.url)));

function fail(text) {
  console.error(`stories: ${text}`);
  process.exit(1);
}

function canRun(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function browser() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const folders = (process.env.PATH ?? "").split(delimiter);
  const found = BROWSERS.flatMap((name) => folders.map((folder) => join(folder, name))).find(canRun);
  return found ?? fail(`no browser was found (${BROWSERS.join(", ")}): install Chromium, or set CHROMIUM to its path`);
}

/** Resolves with address, e-mail and password once the program has printed all three. */
function ready(server) {
  return new Promise((resolve, reject) => {
    const said = {};
    let rest = "";
    const late = setTimeout(
      () => reject(new Error(`the demo was not ready within ${READY_WITHIN_MS / 1000} s`)),
      READY_WITHIN_MS,
    );
    server.stdout.setEncoding("utf8").on("data", (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const found = /^(address|e-mail|password):\s+(\S+)\s*$/.exec(line);
        if (found) said[found[1]] = found[2];
      }
      if (said.address && said["e-mail"] && said.password) {
        clearTimeout(late);
        resolve(said);
      }
    });
    server.once("error", reject);
    server.once("exit", (code, signal) =>
      reject(new Error(`the demo ended before it was ready (${signal ?? `exit code ${code}`})`)),
    );
  });
}

function ended(child) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => child.once("exit", (code) => resolve(code)));
}

async function stop(server) {
  server.removeAllListeners("exit");
  server.kill("SIGTERM");
  const hard = setTimeout(() => {
    console.error(`stories: the server did not stop within ${STOPPED_WITHIN_MS / 1000} s`);
    server.kill("SIGKILL");
  }, STOPPED_WITHIN_MS);
  await ended(server);
  clearTimeout(hard);
}

/** A server with a company of its own. */
class Server {
  constructor(binary) {
    this.data = mkdtempSync(join(tmpdir(), "tenure-stories-"));
    this.process = spawn(binary, ["demo", ...COMPANY, "--data", this.data, "--listen", "127.0.0.1:0"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
  }

  async place() {
    const said = await ready(this.process);
    return { address: said.address, email: said["e-mail"], password: said.password };
  }

  async end() {
    await stop(this.process);
    rmSync(this.data, { recursive: true, force: true });
  }
}

const binary = process.env.TENURE_BINARY ?? fail("set TENURE_BINARY to the program `tenure`");
const chromium = browser();
const args = process.argv.slice(2);
// All stories run on two servers at a time, some of them on one.
const several = args.length === 0 && availableParallelism() > 1;
const servers = Array.from({ length: several ? 2 : 1 }, () => new Server(binary));
const end = () => Promise.all(servers.map((server) => server.end()));
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, async () => {
    await end();
    process.exit(1);
  });
}
let code = 1;
try {
  const places = await Promise.all(servers.map((server) => server.place()));
  console.error(`stories: on ${places.map((place) => place.address).join(" and ")}`);
  const stories = spawn("npx", ["--no-install", "vitest", "run", "--config", "vitest.stories.ts", ...args], {
    cwd: ui,
    stdio: "inherit",
    env: { ...process.env, CHROMIUM: chromium, TENURE_SERVERS: JSON.stringify(places) },
  });
  code = (await ended(stories)) ?? 1;
} catch (error) {
  console.error(`stories: ${error.message}`);
} finally {
  await end();
}
process.exit(code);
