import { Select } from "@mantine/core";
import type { MapLook } from "@/api/types";
import { number, words } from "@/shared/format";
import ui from "@/shared/ui/ui.module.css";
import css from "./imports.module.css";
import { spec, translate, type Doc } from "./map";

/** What the texts of a column stand for, where a field knows a few words only. */
export function MapChoices({
  look,
  doc,
  change,
}: {
  look: MapLook;
  doc: Doc;
  change: (doc: Doc, soon?: boolean) => void;
}) {
  return (
    <div className={css.stack}>
      {look.choices.map((choice) => (
        <table key={choice.field} className={ui.table}>
          <caption className={css.caption}>
            <code>{choice.field}</code> from <span className="mono">{choice.column}</span>
          </caption>
          <thead>
            <tr>
              <th scope="col">In the file</th>
              <th scope="col" className={ui.num}>
                Rows
              </th>
              <th scope="col">Stands for</th>
            </tr>
          </thead>
          <tbody>
            {choice.texts.map((t) => {
              const said = spec(doc.fields?.[choice.field]).values?.[t.text];
              const value = typeof said === "string" ? said : t.becomes;
              return (
                <tr key={t.text}>
                  <td className="mono">{t.text}</td>
                  <td className={ui.num}>{number(t.rows, 0)}</td>
                  <td>
                    <Select
                      aria-label={`What ${t.text} stands for`}
                      placeholder={t.likely ? `${words(t.likely)}?` : "not known: the row is rejected"}
                      error={value === null}
                      value={value}
                      data={choice.words.map((w) => ({ value: w, label: words(w) }))}
                      onChange={(word) => change(translate(doc, choice.field, t.text, word))}
                    />
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      ))}
    </div>
  );
}
