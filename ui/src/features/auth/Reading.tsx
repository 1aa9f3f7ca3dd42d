import { Button, Select } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { setPreferences } from "@/features/setup/queries";
import { instant } from "@/shared/days";
import { money } from "@/shared/format";
import { Panel } from "@/shared/ui/Panel";
import { Problem } from "@/shared/ui/State";
import css from "./auth.module.css";
import { sessionQuery } from "./queries";

const LOCALES = [
  "en-US",
  "en-GB",
  "en-CA",
  "de-DE",
  "de-CH",
  "fr-FR",
  "es-ES",
  "it-IT",
  "nl-NL",
  "pt-BR",
  "sv-SE",
  "pl-PL",
  "ja-JP",
];
const EXAMPLE = "2026-11-22T15:04:00Z";

/** In which zone instants are shown and how days and figures are written. */
export function Reading() {
  const queries = useQueryClient();
  const own = useQuery(sessionQuery).data?.preferences;
  const [zone, setZone] = useState(own?.time_zone ?? null);
  const [locale, setLocale] = useState(own?.locale ?? null);
  const browser = Intl.DateTimeFormat().resolvedOptions();
  const save = useMutation({ mutationFn: () => setPreferences(queries, { time_zone: zone, locale }) });
  const name = (tag: string) => new Intl.DisplayNames([tag], { type: "language" }).of(tag) ?? tag;
  return (
    <Panel title="How you read">
      <form
        onSubmit={(e) => {
          e.preventDefault();
          save.mutate();
        }}
      >
        <div className={css.row}>
          <Select
            label="Time zone"
            description="Instants are shown in it; days of figures are the program's."
            placeholder={`As the browser: ${browser.timeZone}`}
            searchable
            clearable
            clearButtonProps={{ "aria-label": "As the browser" }}
            data={Intl.supportedValuesOf("timeZone")}
            value={zone}
            onChange={setZone}
            limit={100}
          />
          <Select
            label="Days and figures"
            description="How they are written."
            placeholder={`As the browser: ${browser.locale}`}
            clearable
            clearButtonProps={{ "aria-label": "As the browser" }}
            data={LOCALES.map((value) => ({ value, label: name(value) }))}
            value={locale}
            onChange={setLocale}
          />
          <Button type="submit" loading={save.isPending}>
            Save
          </Button>
        </div>
      </form>
      <p className="dim" role="status">
        {instant(EXAMPLE)} · {money(1234567.5, "USD")}
      </p>
      {save.error ? <Problem inline error={save.error} /> : null}
    </Panel>
  );
}
