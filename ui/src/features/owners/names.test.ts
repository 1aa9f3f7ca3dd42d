import { describe, expect, it } from "vitest";
import { addresses, moved, ownerName, poolId } from "./names";

describe("owners", () => {
  it("are read by people", () => {
    expect(ownerName(null)).toBe("Nobody");
    expect(ownerName("(none)")).toBe("Nobody");
    expect(ownerName("pool:digital_east")).toBe("Digital east pool");
    expect(ownerName("<img src=x>")).toBe("<img src=x>");
  });
  it("of a pool get an id that is free", () => {
    expect(poolId("Digital & Éast!", [])).toBe("digital-e-ast");
    expect(poolId("Digital", ["digital", "digital-2"])).toBe("digital-3");
    expect(poolId("!!!", [])).toBe("pool");
  });
  it("are read from any list of addresses", () => {
    expect(addresses("A@x.com, b@x.com;\n a@x.com ")).toEqual(["a@x.com", "b@x.com"]);
    expect(addresses(" ")).toEqual([]);
  });
  it("rules move by one place and stay at the ends", () => {
    expect(moved([1, 2, 3], 0, 1)).toEqual([2, 1, 3]);
    expect(moved([1, 2, 3], 0, -1)).toEqual([1, 2, 3]);
    expect(moved([1, 2, 3], 2, 1)).toEqual([1, 2, 3]);
  });
});
