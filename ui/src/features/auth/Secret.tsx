import { Button, CopyButton } from "@mantine/core";
import { Icon } from "@/shared/ui/Icon";
import css from "./auth.module.css";

/** A secret that is shown this one time. */
export function Secret({ value }: { value: string }) {
  return (
    <div className={css.secret}>
      <code>{value}</code>
      <CopyButton value={value}>
        {({ copied, copy }) => (
          <Button
            size="xs"
            variant="default"
            leftSection={<Icon name={copied ? "check" : "copy"} size={14} />}
            onClick={copy}
          >
            {copied ? "Copied" : "Copy"}
          </Button>
        )}
      </CopyButton>
    </div>
  );
}
