import { autocompletion, completionKeymap, type Completion, type CompletionContext } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";

export type Mark = { line: number; column: number; message: string; severity: "error" | "warning" };
export type Word = { label: string; detail?: string; type?: string };

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--brand)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--met)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--on-track)" },
  { tag: [tags.comment, tags.lineComment], color: "var(--ink-3)", fontStyle: "italic" },
]);

const look = EditorView.theme({
  "&": {
    color: "var(--ink)",
    background: "var(--panel)",
    border: "1px solid var(--line-2)",
    borderRadius: "6px",
    fontSize: "0.78rem",
  },
  "&.cm-focused": { outline: "2px solid var(--brand)", outlineOffset: "1px" },
  ".cm-content": { fontFamily: "var(--mantine-font-family-monospace)", caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { background: "var(--panel-2)", color: "var(--ink-3)", border: "0" },
  ".cm-activeLine": { background: "var(--hover)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    background: "var(--selected)",
  },
  ".cm-tooltip": { background: "var(--panel)", color: "var(--ink)", border: "1px solid var(--line)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { background: "var(--brand)", color: "var(--brand-ink)" },
  ".cm-completionDetail": { color: "inherit", fontStyle: "normal", opacity: "1", paddingLeft: "8px" },
  ".cm-diagnosticText": { whiteSpace: "pre-wrap" },
});

/** A light editor of code with completion and marks at what is wrong. Tab leaves it, as any field; Ctrl+Space completes, F8 goes to the next mark. */
export default function Code({
  label,
  value,
  change,
  words,
  marks,
  document = false,
  readOnly = false,
  height,
  goTo,
}: {
  label: string;
  value: string;
  change: (value: string) => void;
  /** What may stand at the end of this beginning of a line. */
  words: (before: string) => Word[];
  marks: Mark[];
  /** YAML with line numbers, rather than a single expression. */
  document?: boolean;
  readOnly?: boolean;
  height?: string;
  /** Where the cursor is put, each time that it is another object. */
  goTo?: { line: number; column: number };
}) {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const latest = useRef({ change, words });
  useEffect(() => {
    latest.current = { change, words };
  });
  const first = useRef(value);
  useEffect(() => {
    if (!box.current) return;
    const complete = (context: CompletionContext) => {
      const line = context.state.doc.lineAt(context.pos);
      const before = line.text.slice(0, context.pos - line.from);
      const word = /[\w.]*$/.exec(before)?.[0] ?? "";
      if (word === "" && !context.explicit) return null;
      const options: Completion[] = latest.current.words(before).map((w) => ({ ...w }));
      return { from: context.pos - word.length, options, validFor: /^[\w.]*$/ };
    };
    const editor = new EditorView({
      parent: box.current,
      state: EditorState.create({
        doc: first.current,
        extensions: [
          history(),
          drawSelection(),
          keymap.of([...completionKeymap, ...lintKeymap, ...defaultKeymap, ...historyKeymap]),
          document ? [lintGutter(), lineNumbers(), highlightActiveLine(), yaml()] : EditorView.lineWrapping,
          syntaxHighlighting(colours),
          look,
          height ? EditorView.theme({ "&": { height }, ".cm-scroller": { overflow: "auto" } }) : [],
          autocompletion({ override: [complete] }),
          EditorState.readOnly.of(readOnly),
          EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false" }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged && !update.transactions.some((t) => t.isUserEvent("outside")))
              latest.current.change(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    if (document) editor.scrollDOM.tabIndex = 0;
    return () => editor.destroy();
  }, [document, readOnly, label, height]);
  useEffect(() => {
    const editor = view.current;
    first.current = value;
    if (editor && editor.state.doc.toString() !== value)
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value }, userEvent: "outside" });
  }, [value]);
  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    const { doc } = editor.state;
    const found = marks
      .filter((m) => m.line >= 1 && m.line <= doc.lines)
      .map((m) => {
        const line = doc.line(m.line);
        const from = Math.min(line.from + Math.max(m.column - 1, 0), line.to);
        const width = /^[\w.]+/.exec(line.text.slice(from - line.from))?.[0].length ?? 1;
        return { from, to: Math.min(from + width, line.to), severity: m.severity, message: m.message };
      });
    editor.dispatch(setDiagnostics(editor.state, found));
  }, [marks, value]);
  useEffect(() => {
    const editor = view.current;
    if (!editor || !goTo || goTo.line > editor.state.doc.lines) return;
    const line = editor.state.doc.line(goTo.line);
    const at = Math.min(line.from + Math.max(goTo.column - 1, 0), line.to);
    editor.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
    editor.focus();
  }, [goTo]);
  return <div ref={box} />;
}
