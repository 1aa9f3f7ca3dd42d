import type { IconName } from "@/shared/ui/Icon";

/** What can be made, and where. */
export const CREATE: { label: string; icon: IconName; to: string; search?: Record<string, string> }[] = [
  { label: "New segment", icon: "segments", to: "/segments", search: { tab: "rules" } },
  { label: "New dashboard", icon: "dashboards", to: "/definitions", search: { view: "yaml" } },
  { label: "Import accounts, contacts or events", icon: "data", to: "/data", search: { tab: "imports" } },
  { label: "Invite a person", icon: "user", to: "/settings", search: { tab: "users" } },
  { label: "New key", icon: "key", to: "/settings", search: { tab: "keys" } },
];

export const isAccount = (path: string): boolean => /^\/accounts\/[^/]+$/.test(path);

/** Puts the cursor into the field for a new note, as soon as the dialog that asked for it is gone. */
export function writeNote(): void {
  setTimeout(() => {
    const field = document.querySelector<HTMLTextAreaElement>("[data-new-note]");
    field?.scrollIntoView({ block: "center" });
    field?.focus();
  }, 50);
}
