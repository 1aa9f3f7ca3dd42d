import { Link } from "@tanstack/react-router";
import { Empty } from "@/shared/ui/State";

export function NotFound() {
  return (
    <Empty title="There is no page at this address">
      Go to the <Link to="/">Overview</Link>, or press <kbd>Ctrl</kbd> <kbd>K</kbd> and type what you look for.
    </Empty>
  );
}
