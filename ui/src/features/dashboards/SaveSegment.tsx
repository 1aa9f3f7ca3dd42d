import { Button, Modal, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useDraftWrites, workingQuery } from "@/features/program/useWorking";
import { ruleQuery } from "@/features/segments/queries";
import { number } from "@/shared/format";
import { Loaded, Problem } from "@/shared/ui/State";
import edit from "./editing.module.css";
import { MOST_IDS, named } from "./rules";

const idOf = (label: string): string =>
  label
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^[^a-z]+|_+$/g, "")
    .slice(0, 60);

type Props = {
  /** The condition that chooses the accounts, where there is one. */
  condition: string | null;
  total: number;
  /** The accounts as they are now. */
  ids: () => Promise<string[]>;
  close: () => void;
};

/** Accounts kept as the rule of a new segment: a draft, which moves nobody until it is looked at and applied. */
export default function SaveSegment({ condition, total, ids, close }: Props) {
  const working = useQuery(workingQuery);
  const { edits } = useDraftWrites();
  const check = useQuery({ ...ruleQuery(condition ?? ""), enabled: condition !== null });
  const [name, setName] = useState("");
  const [failed, setFailed] = useState<unknown>(null);
  // A rule cannot name segments, which come out of rules: such a choice is kept as the accounts that it holds now.
  const problem = check.data?.problem;
  const asRule = condition !== null && check.data !== undefined && !problem;
  const ready = condition === null || check.data !== undefined;
  const id = idOf(name);
  const save = async () => {
    setFailed(null);
    try {
      const rule = asRule ? condition : named(await ids());
      await edits.mutateAsync({
        file: "segments.yaml",
        edits: [{ list: "segments", id, set: { label: name.trim(), rule }, position: 0, remove: false }],
      });
    } catch (error) {
      setFailed(error);
    }
  };
  const tooMany = ready && !asRule && total > MOST_IDS;
  return (
    <Modal
      opened
      onClose={close}
      title={<strong>Save as a segment</strong>}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Loaded of={working} lines={4}>
        {() =>
          edits.data ? (
            <div className={edit.form}>
              <p role="status">{name.trim()} is the first rule of your draft. Nobody has moved yet.</p>
              <Link to="/segments">See who would move, and apply it</Link>
            </div>
          ) : (
            <form
              className={edit.form}
              onSubmit={(e) => {
                e.preventDefault();
                void save();
              }}
            >
              <TextInput
                label="Name"
                required
                maxLength={60}
                data-autofocus
                value={name}
                onChange={(e) => setName(e.currentTarget.value)}
              />
              {asRule ? (
                <p className="dim">
                  Its rule is the condition, so accounts come and go with it: <code>{condition}</code>
                </p>
              ) : ready ? (
                <p className="dim">
                  {problem ? `A rule cannot say this (${problem.problem}) ` : "No condition chooses these accounts. "}
                  It holds the {number(total, 0)} accounts that are here now, by name; nobody comes or goes by itself.
                </p>
              ) : null}
              <p className="dim">
                The first rule that fits decides, and this one is put first. It stays your draft until you have seen who
                moves and apply it.
              </p>
              {tooMany ? (
                <p role="alert">
                  A list names at most {MOST_IDS} accounts; there are {number(total, 0)}. Narrow the page by its filters
                  first.
                </p>
              ) : null}
              {check.error ? <Problem inline error={check.error} /> : null}
              {failed ? <Problem inline error={failed} /> : null}
              <Button type="submit" loading={edits.isPending} disabled={!id || !ready || tooMany || total === 0}>
                Keep as a draft
              </Button>
            </form>
          )
        }
      </Loaded>
    </Modal>
  );
}
