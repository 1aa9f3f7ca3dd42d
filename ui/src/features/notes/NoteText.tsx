import { Fragment } from "react";
import { blocks, type Block, type Inline } from "./markdown";
import css from "./notes.module.css";

/** Shows a note: elements for what is understood, text for everything else, never HTML. */
export function Markdown({ text }: { text: string }) {
  return (
    <div className={css.text}>
      {blocks(text).map((b, i) => (
        <Part key={i} block={b} />
      ))}
    </div>
  );
}

function Part({ block: b }: { block: Block }) {
  switch (b.kind) {
    case "paragraph":
      return (
        <p>
          <Words of={b.children} />
        </p>
      );
    case "quote":
      return (
        <blockquote>
          <Words of={b.children} />
        </blockquote>
      );
    case "heading":
      return (
        <p className={css.heading} data-level={b.level}>
          <Words of={b.children} />
        </p>
      );
    case "code":
      return <pre>{b.text}</pre>;
    case "list": {
      const items = b.items.map((item, i) => (
        <li key={i}>
          <Words of={item} />
        </li>
      ));
      return b.ordered ? <ol>{items}</ol> : <ul>{items}</ul>;
    }
  }
}

function Words({ of }: { of: Inline[] }) {
  return of.map((w, i) => {
    switch (w.kind) {
      case "text":
        return <Fragment key={i}>{w.text}</Fragment>;
      case "code":
        return <code key={i}>{w.text}</code>;
      case "mention":
        return (
          <span key={i} className={css.mention}>
            @{w.email}
          </span>
        );
      case "strong":
        return (
          <strong key={i}>
            <Words of={w.children} />
          </strong>
        );
      case "em":
        return (
          <em key={i}>
            <Words of={w.children} />
          </em>
        );
      case "link":
        return (
          <a key={i} href={w.href} target="_blank" rel="noopener noreferrer nofollow">
            <Words of={w.children} />
          </a>
        );
    }
  });
}
