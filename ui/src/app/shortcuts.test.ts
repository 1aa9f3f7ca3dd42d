import { expect, it } from "vitest";
import { press, SEQUENCE_MS, type Shortcut } from "./shortcuts";

const nothing = () => undefined;
const list: Shortcut[] = [
  { keys: "g o", label: "Overview", run: nothing },
  { keys: "g a", label: "Accounts", run: nothing },
  { keys: "/", label: "Search", run: nothing },
];

it("runs a sequence when its second key follows in time", () => {
  const first = press("g", 0, null, list);
  expect(first.run).toBeNull();
  expect(press("a", 500, first.pending, list).run?.label).toBe("Accounts");
});

it("forgets the first key after a while", () => {
  const first = press("g", 0, null, list);
  expect(press("a", SEQUENCE_MS + 1, first.pending, list)).toEqual({ run: null, pending: null });
});

it("runs a single key, also in the middle of a sequence", () => {
  expect(press("/", 0, null, list).run?.label).toBe("Search");
  expect(press("/", 10, { key: "g", at: 0 }, list).run?.label).toBe("Search");
});

it("begins again when the first key is pressed twice", () => {
  const again = press("g", 10, { key: "g", at: 0 }, list);
  expect(again.pending).toEqual({ key: "g", at: 10 });
});
