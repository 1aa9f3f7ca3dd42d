import { Autocomplete } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { ownerSettingsQuery } from "./queries";

/** Chooses an owner: somebody known, a pool, or any address that is typed. */
export function OwnerPicker({
  label,
  value,
  change,
  required = false,
}: {
  label: string;
  value: string;
  change: (owner: string) => void;
  required?: boolean;
}) {
  const known = useQuery(ownerSettingsQuery).data?.known ?? [];
  const names = new Map(known.map((k) => [k.owner, k]));
  return (
    <Autocomplete
      label={label}
      placeholder="ann@example.com or pool:digital"
      value={value}
      required={required}
      limit={50}
      data={known.map((k) => k.owner)}
      onChange={change}
      renderOption={({ option }) => {
        const k = names.get(option.value);
        return (
          <span>
            {k && k.name !== k.owner ? <strong>{k.name} </strong> : null}
            <span className="dim">{option.value}</span>
            {k?.kind === "pool" ? " · pool" : null}
          </span>
        );
      }}
    />
  );
}
