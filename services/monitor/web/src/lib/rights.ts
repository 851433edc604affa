// Who may decide what. The monitor refuses the rest; these keep buttons away that it would refuse.
import type { NewDecision, Role } from "../api";
import { useRole } from "./session";

type Kind = NewDecision["kind"];

const ALL: readonly Role[] = ["site", "supervisor", "headquarters", "privacy", "admin"];
const CASES: readonly Role[] = ["site", "supervisor", "headquarters", "privacy"];
const JUDGES: readonly Role[] = ["supervisor", "headquarters", "privacy"];

export const PAGE_ROLES = {
    board: ALL,
    incidents: CASES,
    alerts: CASES,
    review: JUDGES,
    lookup: JUDGES,
    analytics: ALL,
    exports: ["headquarters", "privacy"],
    "bad-records": ["headquarters", "admin"],
    audit: ["privacy", "admin"],
} as const satisfies Record<string, readonly Role[]>;
export type PageName = keyof typeof PAGE_ROLES;

export function mayOpen(role: Role, page: PageName): boolean {
    const roles: readonly Role[] = PAGE_ROLES[page];
    return roles.includes(role);
}

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
