import type { ReactNode } from "react";
import { Mark } from "@/shared/ui/Icon";
import css from "./auth.module.css";

/** The quiet page on which somebody signs in or sets up. */
export function AuthPage({
  title,
  sub,
  submit,
  children,
}: {
  title: string;
  sub?: string;
  submit: () => void;
  children: ReactNode;
}) {
  return (
    <main className={css.page}>
      <form
        className={css.card}
        onSubmit={(e) => {
          e.preventDefault();
          submit();
        }}
      >
        <div className={css.brand}>
          <Mark size={36} /> Tenure
        </div>
        <h1>{title}</h1>
        {sub ? <p className={css.sub}>{sub}</p> : null}
        {children}
      </form>
    </main>
  );
}
