import { Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { monthStart } from "@/shared/days";
import { figure, number } from "@/shared/format";
import { Fresh } from "@/shared/ui/Fresh";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { Spark } from "@/shared/ui/Spark";
import { Loaded } from "@/shared/ui/State";
import { NOBODY, ownerName } from "./names";
import css from "./owners.module.css";
import { kpiByOwnerQuery } from "./queries";

const CHOICES = [
  { value: "engagement_rate", label: "Engagement rate" },
  { value: "logo_churn_12m", label: "Logo churn, 12 months" },
  { value: "grr_12m", label: "GRR, 12 months" },
  { value: "nrr_12m", label: "NRR, 12 months" },
  { value: "retention_month", label: "Retention, month" },
  { value: "csat", label: "CSAT" },
];

/** One KPI by owner: where each stands, and how that came about. */
export function KpiByOwner({ names, asOf }: { names: Map<string, string>; asOf: string }) {
  const { kpi = "engagement_rate" } = useSearch({ from: "/owners" });
  const navigate = useNavigate({ from: "/owners" });
  const series = useQuery(kpiByOwnerQuery(kpi, monthStart(asOf, 5), asOf));
  return (
    <Panel title="A KPI by owner" flush aside={series.data ? <Fresh at={series.data.computed_at} /> : null}>
      <div className={css.kpi}>
        <Select
          aria-label="KPI"
          data={CHOICES}
          value={kpi}
          allowDeselect={false}
          onChange={(v) => void navigate({ search: (s) => ({ ...s, kpi: v ?? undefined }), replace: true })}
          w={240}
        />
      </div>
      <Loaded of={series} lines={5}>
        {(data) => (
          <DataTable
            caption="KPI by owner"
            rows={data.series.filter((s) => s.scope !== "all")}
            rowKey={(s) => s.scope}
            cols={[
              { label: "Owner", show: (s) => names.get(s.scope || NOBODY) ?? ownerName(s.scope) },
              { label: "Value", num: true, show: (s) => figure(s.points.at(-1)?.value ?? null, data.unit) },
              {
                label: "Made of",
                num: true,
                show: (s) => {
                  const p = s.points.at(-1);
                  return p && p.denominator !== null ? `${number(p.numerator, 0)} of ${number(p.denominator, 0)}` : "–";
                },
              },
              {
                label: "Six months",
                show: (s) => (
                  <Spark
                    values={s.points.map((p) => p.value)}
                    label={`${names.get(s.scope) ?? ownerName(s.scope)}: ${s.points.map((p) => figure(p.value, data.unit)).join(", ")}`}
                  />
                ),
              },
            ]}
          />
        )}
      </Loaded>
    </Panel>
  );
}
