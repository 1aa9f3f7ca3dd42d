import { Menu, useMantineColorScheme } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { api, setCsrf, take } from "@/api/client";
import type { Session } from "@/api/types";
import { SESSION } from "@/features/auth/queries";
import { words } from "@/shared/format";
import { Icon } from "@/shared/ui/Icon";
import css from "./shell.module.css";

/** Who is signed in, the colour scheme, and the way out. */
export function UserMenu({ session, openHelp }: { session: Session; openHelp: () => void }) {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const signOut = useMutation({
    mutationFn: () => take(api.DELETE("/api/v1/session")),
    onSettled: async () => {
      setCsrf("");
      queries.removeQueries({ predicate: (q) => q.queryKey[0] !== SESSION[0] });
      await queries.resetQueries({ queryKey: SESSION });
    },
  });
  const name = session.user.name || session.user.email;
  const initials = name
    .split(/[\s.@]+/)
    .slice(0, 2)
    .map((w) => w.charAt(0).toUpperCase())
    .join("");
  return (
    <Menu position="bottom-end" width={220} shadow="md">
      <Menu.Target>
        <button type="button" className={css.user} aria-label={`Signed in as ${name}`}>
          {initials}
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {name} · {session.user.role === "csm" ? "CSM" : words(session.user.role)}
        </Menu.Label>
        <Menu.Divider />
        {(["light", "dark", "auto"] as const).map((scheme) => (
          <Menu.Item
            key={scheme}
            leftSection={<Icon name={scheme === "light" ? "sun" : scheme === "dark" ? "moon" : "system"} />}
            rightSection={colorScheme === scheme ? <Icon name="check" size={14} /> : null}
            onClick={() => setColorScheme(scheme)}
          >
            {scheme === "auto" ? "As the system" : words(scheme)}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<Icon name="keyboard" />} onClick={openHelp}>
          Keys
        </Menu.Item>
        <Menu.Item leftSection={<Icon name="check" />} onClick={() => void navigate({ to: "/first-steps" })}>
          First steps
        </Menu.Item>
        <Menu.Item
          leftSection={<Icon name="settings" />}
          onClick={() => void navigate({ to: "/settings", search: { tab: "you" } })}
        >
          Settings
        </Menu.Item>
        <Menu.Item leftSection={<Icon name="out" />} onClick={() => signOut.mutate()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
