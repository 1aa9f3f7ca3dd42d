/** A small part of Markdown, read into a tree of plain data. Nothing of it is ever HTML: what is not understood stays text. Pure. */

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "mention"; email: string }
  | { kind: "link"; href: string; children: Inline[] }
  | { kind: "strong" | "em"; children: Inline[] };

export type Block =
  | { kind: "paragraph" | "quote"; children: Inline[] }
  | { kind: "heading"; level: 1 | 2 | 3; children: Inline[] }
  | { kind: "code"; text: string }
  | { kind: "list"; ordered: boolean; items: Inline[][] };

/** A link's address when it leads where a note may lead: the web or a mailbox, told by the browser's own reading of it. */
export function safeHref(raw: string): string | null {
  // Characters that a reader does not see, and that browsers drop, could hide another scheme.
  if (!/^[\x21-\x7e\u00a1-\u1fff\u2c00-\ud7ff]+$/.test(raw) || raw.includes("\\")) return null;
  let url: URL;
  try {
    url = new URL(raw);
  } catch {
    return null;
  }
  if (url.username !== "" || url.password !== "") return null;
  return url.protocol === "https:" || url.protocol === "http:" || url.protocol === "mailto:" ? url.href : null;
}

// No part can begin inside itself, so that reading stays proportional to the length of the note.
const PATTERN =
  /`([^`\n]{1,2000})`|\*\*([^*\n]{1,2000})\*\*|\*([^*\n]{1,2000})\*|\[([^[\]\n]{1,300})\]\(([^()\s]{1,2000})\)|(https?:\/\/[^\s<>"')\]]+)|(?<![\w.@-])@([\w.+-]+@[\w-]+(?:\.[\w-]+)+)/u;

/** Reads a line's words. */
export function inline(text: string, depth = 0): Inline[] {
  const out: Inline[] = [];
  let rest = text;
  while (rest !== "") {
    const m = depth < 4 ? PATTERN.exec(rest) : null;
    if (!m) break;
    if (m.index > 0) out.push({ kind: "text", text: rest.slice(0, m.index) });
    const [whole, code, strong, em, label, target, bare, mention] = m;
    const href = target ? safeHref(target) : bare ? safeHref(bare) : null;
    if (code !== undefined) out.push({ kind: "code", text: code });
    else if (strong !== undefined) out.push({ kind: "strong", children: inline(strong, depth + 1) });
    else if (em !== undefined) out.push({ kind: "em", children: inline(em, depth + 1) });
    else if (label !== undefined && href) out.push({ kind: "link", href, children: inline(label, depth + 1) });
    else if (bare !== undefined && href) out.push({ kind: "link", href, children: [{ kind: "text", text: bare }] });
    else if (mention !== undefined) out.push({ kind: "mention", email: mention.toLowerCase() });
    else out.push({ kind: "text", text: whole });
    rest = rest.slice(m.index + whole.length);
  }
  if (rest !== "") out.push({ kind: "text", text: rest });
  return out;
}

/** Reads a note. */
export function blocks(source: string): Block[] {
  const out: Block[] = [];
  const lines = source.replace(/\r\n?/g, "\n").split("\n");
  let para: string[] = [];
  const flush = () => {
    if (para.length > 0) out.push({ kind: "paragraph", children: inline(para.join("\n")) });
    para = [];
  };
  for (let i = 0; i < lines.length; i += 1) {
    const line = lines[i] ?? "";
    const heading = /^(#{1,3})\s+(.+)$/.exec(line);
    const item = /^\s*(?:[-*]|(\d+)[.)])\s+(.+)$/.exec(line);
    const quote = /^>\s?(.*)$/.exec(line);
    if (line.startsWith("```")) {
      flush();
      const code: string[] = [];
      for (i += 1; i < lines.length && !(lines[i] ?? "").startsWith("```"); i += 1) code.push(lines[i] ?? "");
      out.push({ kind: "code", text: code.join("\n") });
    } else if (heading) {
      flush();
      const level = (heading[1] ?? "#").length as 1 | 2 | 3;
      out.push({ kind: "heading", level, children: inline(heading[2] ?? "") });
    } else if (item) {
      flush();
      const ordered = item[1] !== undefined;
      const last = out.at(-1);
      const words = inline(item[2] ?? "");
      const follows = (lines[i - 1] ?? "").trim() !== "";
      if (last?.kind === "list" && last.ordered === ordered && follows) last.items.push(words);
      else out.push({ kind: "list", ordered, items: [words] });
    } else if (quote) {
      flush();
      out.push({ kind: "quote", children: inline(quote[1] ?? "") });
    } else if (line.trim() === "") flush();
    else para.push(line);
  }
  flush();
  return out;
}
