import { describe, expect, it } from "vitest";
import { blocks, inline, safeHref } from "./markdown";

const CORPUS = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "[x](javascript:alert(1))",
  "[x](JaVaScRiPt:alert(1))",
  "[x](java\tscript:alert(1))",
  "[x](\u0001javascript:alert(1))",
  "[x](data:text/html;base64,PHNjcmlwdD4=)",
  "[x](vbscript:msgbox(1))",
  "[x](//evil.example)",
  "[x](https:\\\\evil.example)",
  "[x](https://good.example@evil.example)",
  '![x](x" onerror="alert(1))',
  "<svg/onload=alert(1)>",
  '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
  "<a href='javascript:alert(1)'>x</a>",
  "{{constructor.constructor('alert(1)')()}}",
];

const links = (value: unknown): string[] => {
  if (Array.isArray(value)) return value.flatMap(links);
  if (typeof value !== "object" || value === null) return [];
  const own = "href" in value && typeof value.href === "string" ? [value.href] : [];
  return [...own, ...Object.values(value).flatMap(links)];
};

describe("a note", () => {
  it.each(CORPUS)("never leads anywhere by %s", (text) => {
    expect(links(blocks(text))).toEqual([]);
  });
  it("keeps what it does not understand as text", () => {
    expect(blocks("<b>x</b>")).toEqual([{ kind: "paragraph", children: [{ kind: "text", text: "<b>x</b>" }] }]);
  });
  it("reads emphasis, code, links and mentions", () => {
    expect(inline("**a** *b* `c` [d](https://e.example/x) @ann@example.com.")).toEqual([
      { kind: "strong", children: [{ kind: "text", text: "a" }] },
      { kind: "text", text: " " },
      { kind: "em", children: [{ kind: "text", text: "b" }] },
      { kind: "text", text: " " },
      { kind: "code", text: "c" },
      { kind: "text", text: " " },
      { kind: "link", href: "https://e.example/x", children: [{ kind: "text", text: "d" }] },
      { kind: "text", text: " " },
      { kind: "mention", email: "ann@example.com" },
      { kind: "text", text: "." },
    ]);
    expect(inline("mail ann@example.com")).toEqual([{ kind: "text", text: "mail ann@example.com" }]);
  });
  it("reads headings, lists, quotes and code", () => {
    expect(blocks("# A\n- b\n- c\n\n1. d\n> e\n```\n<x>\n```\nf").map((b) => b.kind)).toEqual([
      "heading",
      "list",
      "list",
      "quote",
      "code",
      "paragraph",
    ]);
  });
  it("ends, whatever is written", () => {
    expect(blocks("*".repeat(20_000)).length).toBe(1);
    expect(blocks("[".repeat(20_000)).length).toBe(1);
    expect(blocks("```").length).toBe(1);
  });
  it("lets only web and mail addresses be links", () => {
    expect(safeHref("https://a.example/b?c=1#d")).toBe("https://a.example/b?c=1#d");
    expect(safeHref("mailto:a@b.example")).toBe("mailto:a@b.example");
    expect(safeHref("ftp://a.example")).toBeNull();
    expect(safeHref("/relative")).toBeNull();
  });
});
