import { Button, Menu, Modal } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, take } from "@/api/client";
import type { DashboardPage, Sharing } from "@/api/types";
import { sessionQuery } from "@/features/auth/queries";
import { workingQuery } from "@/features/program/useWorking";
import { Icon } from "@/shared/ui/Icon";
import { Loaded, Problem } from "@/shared/ui/State";
import css from "./dashboards.module.css";
import edit from "./editing.module.css";
import { fileName, paper, picture, save, sheet } from "./exporting";
import { definitionQuery } from "./queries";

const SHARING: { value: Sharing; label: string }[] = [
  { value: "private", label: "Only you" },
  { value: "view", label: "Everybody may look" },
  { value: "edit", label: "Everybody may look and change" },
];

/** What can be done with a page: files of it, who sees it, a copy, its text, its end. */
export function PageMenus({ page, wall, change }: { page: DashboardPage; wall: () => void; change: () => void }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const role = useQuery(sessionQuery).data?.user.role;
  const mayDefine = role === "manager" || role === "admin";
  const writes = role !== undefined && role !== "viewer";
  const [yaml, setYaml] = useState(false);
  const [said, say] = useState("");
  const file = useMutation({
    mutationFn: async ({ what, make }: { what: string; make: () => Promise<void> }) => {
      say(`Making the ${what}.`);
      await make();
      say(`The ${what} is made.`);
    },
  });
  const header = { "If-Match": `"${page.version}"` };
  const refresh = () => queries.invalidateQueries({ queryKey: ["dashboards"] });
  const share = useMutation({
    mutationFn: (sharing: Sharing) =>
      take(
        api.PUT("/api/v1/dashboards/{id}/sharing", { params: { path: { id: page.id }, header }, body: { sharing } }),
      ),
    onSettled: refresh,
  });
  const copy = useMutation({
    mutationFn: () => take(api.POST("/api/v1/dashboards", { body: { copy_of: page.id } })),
    onSuccess: async (made) => {
      await refresh();
      await navigate({ to: "/dashboards/$id", params: { id: made.id }, search: { edit: "1" } });
    },
  });
  const remove = useMutation({
    mutationFn: () => take(api.DELETE("/api/v1/dashboards/{id}", { params: { path: { id: page.id }, header } })),
    onSuccess: async () => {
      await navigate({ to: "/dashboards", search: { removed: page.id } });
      await refresh();
    },
  });
  // A page of the program is changed where the program is.
  const define = useMutation({
    mutationFn: async () => {
      const { documents } = await queries.ensureQueryData(workingQuery);
      const own = documents.find((d) => (d.content as { id?: unknown } | null)?.id === page.id);
      await navigate({ to: "/definitions", search: { file: own?.file } });
    },
  });
  const error = file.error ?? share.error ?? copy.error ?? remove.error ?? define.error;
  const make = (what: string, how: () => Promise<void>) => file.mutate({ what, make: how });
  return (
    <div className={css.tools}>
      <span className="sr" role="status">
        {said}
      </span>
      {page.may_edit ? (
        <Button size="xs" variant="default" leftSection={<Icon name="edit" size={14} />} onClick={change}>
          Change
        </Button>
      ) : null}
      {page.shipped && mayDefine ? (
        <Button
          size="xs"
          variant="default"
          leftSection={<Icon name="edit" size={14} />}
          loading={define.isPending}
          onClick={() => define.mutate()}
        >
          Definition
        </Button>
      ) : null}
      {writes ? (
        <Button
          size="xs"
          variant="default"
          leftSection={<Icon name="copy" size={14} />}
          loading={copy.isPending}
          onClick={() => copy.mutate()}
        >
          Duplicate
        </Button>
      ) : null}
      {page.may_govern ? (
        <Menu position="bottom-end">
          <Menu.Target>
            <Button size="xs" variant="default" leftSection={<Icon name="share" size={14} />} loading={share.isPending}>
              {page.sharing === "private" ? "Share" : "Shared"}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Label>Who sees it</Menu.Label>
            <Menu.RadioGroup
              value={page.sharing}
              onChange={(v) => {
                const to = SHARING.find((s) => s.value === v);
                if (to && to.value !== page.sharing) share.mutate(to.value);
              }}
            >
              {SHARING.map((s) => (
                <Menu.RadioItem key={s.value} value={s.value} closeMenuOnClick>
                  {s.label}
                </Menu.RadioItem>
              ))}
            </Menu.RadioGroup>
          </Menu.Dropdown>
        </Menu>
      ) : null}
      <Menu position="bottom-end">
        <Menu.Target>
          <Button size="xs" variant="default" leftSection={<Icon name="download" size={14} />} loading={file.isPending}>
            Save as
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => make("PDF", () => paper(page))}>PDF</Menu.Item>
          <Menu.Item onClick={() => make("picture", () => picture(page))}>Picture (PNG)</Menu.Item>
          <Menu.Item onClick={() => make("workbook", () => sheet(page, "xlsx"))}>
            Excel (XLSX), a sheet a tile
          </Menu.Item>
          <Menu.Item onClick={() => make("CSV files", () => sheet(page, "csv"))}>CSV, a file a tile (zip)</Menu.Item>
          <Menu.Item onClick={() => window.print()}>Print</Menu.Item>
          <Menu.Divider />
          <Menu.Item onClick={() => setYaml(true)}>YAML of the dashboard</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Button size="xs" variant="default" leftSection={<Icon name="expand" size={14} />} onClick={wall}>
        Full screen
      </Button>
      {page.may_govern ? (
        <Button
          size="xs"
          variant="default"
          leftSection={<Icon name="trash" size={14} />}
          loading={remove.isPending}
          onClick={() => remove.mutate()}
        >
          Remove
        </Button>
      ) : null}
      {error ? <Problem inline error={error} /> : null}
      {yaml ? <Yaml page={page} close={() => setYaml(false)} /> : null}
    </div>
  );
}

/** The dashboard as the text of a file: in the folder of a program it is the same page. */
function Yaml({ page, close }: { page: DashboardPage; close: () => void }) {
  const answer = useQuery(definitionQuery(page.id));
  const [copied, setCopied] = useState(false);
  return (
    <Modal
      opened
      onClose={close}
      size="xl"
      title={<strong>YAML of {page.title}</strong>}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Loaded of={answer} lines={8}>
        {(data) => (
          <div className={edit.form}>
            <p className="dim">
              Put into the folder <code>dashboards</code> of a program, this file is the same page.
            </p>
            {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls has to take the keys (WCAG 2.1.1) */}
            <pre className={edit.yaml} tabIndex={0} role="region" aria-label="YAML">
              {data.yaml}
            </pre>
            <div className={edit.row}>
              <Button
                size="xs"
                onClick={() => save(fileName(page, undefined, "yaml"), new Blob([data.yaml], { type: "text/yaml" }))}
              >
                Save the file
              </Button>
              <Button
                size="xs"
                variant="default"
                onClick={() => void navigator.clipboard.writeText(data.yaml).then(() => setCopied(true))}
              >
                {copied ? "Copied" : "Copy"}
              </Button>
            </div>
          </div>
        )}
      </Loaded>
    </Modal>
  );
}
