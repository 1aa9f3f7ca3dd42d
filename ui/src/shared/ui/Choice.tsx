import { Select, type SelectProps } from "@mantine/core";

/** One of several values, or any: a filter that can be cleared. */
export function Choice({
  label,
  any,
  value,
  data,
  change,
  width,
}: {
  /** What is chosen, for those who hear the page. */
  label: string;
  /** What is shown while nothing is chosen, and the name of the button that clears. */
  any: string;
  value: string | undefined;
  data: SelectProps["data"];
  change: (value: string | undefined) => void;
  width?: number;
}) {
  return (
    <Select
      aria-label={label}
      placeholder={any}
      clearable
      clearButtonProps={{ "aria-label": any }}
      value={value ?? null}
      data={data}
      onChange={(v) => change(v ?? undefined)}
      w={width}
    />
  );
}
