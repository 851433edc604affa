// Who may decide what. The monitor refuses the rest; these keep buttons away that it would refuse.
import type { NewDecision, Role } from "../api";
import { useRole } from "./session";

type Kind = NewDecision["kind"];

const SUPERVISOR: readonly Kind[] = ["verdict", "revoke"];
const PRIVACY: readonly Kind[] = ["not_listable", "revoke"];

export function mayDecide(role: Role, kind: Kind): boolean {
    switch (role) {
        case "headquarters":
            return true;
        case "supervisor":
            return SUPERVISOR.includes(kind);
        case "privacy":
            return PRIVACY.includes(kind);
        case "site":
        case "admin":
            return false;
    }
}

export function useMayDecide(): (kind: Kind) => boolean {
    const role = useRole();
    return (kind) => mayDecide(role, kind);
}
