import { Modal } from "@mantine/core";
import type { Shortcut } from "./shortcuts";
import css from "./shell.module.css";

const IN_TABLES = [
  { keys: "j", label: "Next row" },
  { keys: "k", label: "Previous row" },
  { keys: "Enter", label: "Open the row" },
  { keys: "Ctrl K", label: "Find an account, a page or an action" },
];

/** The sheet of keys. */
export function Help({ opened, close, shortcuts }: { opened: boolean; close: () => void; shortcuts: Shortcut[] }) {
  return (
    <Modal opened={opened} onClose={close} title="Keys" size="sm" closeButtonProps={{ "aria-label": "Close" }}>
      <dl className={css.keys}>
        {[...shortcuts, ...IN_TABLES].map((s) => (
          <div key={s.keys} style={{ display: "contents" }}>
            <dt>
              {s.keys.split(" ").map((k) => (
                <kbd key={k}>{k}</kbd>
              ))}
            </dt>
            <dd>{s.label}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
