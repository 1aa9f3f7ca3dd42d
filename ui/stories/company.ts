import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PASSWORD = "a company that stands still";
const PERSON = "robin@example.com";

/** A server whose clock stands still over a company that is the same on every machine. */
export class Still {
  private constructor(
    private readonly folder: string,
    private readonly server: ChildProcess,
    readonly address: string,
    readonly email = PERSON,
    readonly password = PASSWORD,
  ) {}

  /** Simulates the company, serves it with its clock at noon of `day`, and brings it in as a newcomer would: by the command line. */
  static async start(day: string, binary = process.env.TENURE_BINARY): Promise<Still> {
    if (!binary) throw new Error("Set TENURE_BINARY to the program `tenure`.");
    const folder = mkdtempSync(join(tmpdir(), "tenure-still-"));
    const data = join(folder, "data");
    const run = (args: string[], input?: string) =>
      execFileSync(binary, args, { input, stdio: [input === undefined ? "ignore" : "pipe", "ignore", "pipe"] });
    run(["simulate", "--accounts", "80", "--months", "18", "--until", day, "--out", join(folder, "company")]);
    const program = join(process.cwd(), "..", "programs", "medtrainer");
    const clock = ["--sandbox", "--clock", `${day}T12:00:00Z`];
    const server = spawn(
      binary,
      ["serve", "--data", data, "--listen", "127.0.0.1:0", "--program", program, "--log-json", ...clock],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    const address = await told(server);
    run(["user", "add", PERSON, "--role", "admin", "--password-stdin", "--data", data], PASSWORD);
    run(["import", join(folder, "company"), "--data", data]);
    run(["kpis", "--data", data]);
    return new Still(folder, server, address);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.server.once("exit", resolve));
    this.server.kill("SIGTERM");
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The address that the server prints or logs once it is ready. */
function told(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error("the server was not ready within 60 s")), 60_000);
    let text = "";
    const read = (part: Buffer) => {
      text += part.toString();
      const found = /https?:\/\/127\.0\.0\.1:[1-9]\d*/.exec(text);
      if (!found) return;
      clearTimeout(late);
      resolve(found[0]);
    };
    server.stdout?.on("data", read);
    server.stderr?.on("data", read);
    server.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${text}`)));
  });
}
