// Filters of lists and figures: kept in the address, written once. A day is a day in Japan.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import { setParams, useRoute } from "./route";
import { type Names, useNames } from "./session";
import { Input, Select } from "./ui";
import { t } from "./words";

export type Values<N extends string> = Record<N, string | undefined>;

interface Field {
    value: string;
    onValue: (value: string) => void;
}

export interface Filters<N extends string> {
    values: Values<N>;
    field: (name: N) => Field;
    clear: () => void;
}

export function useFilters<N extends string>(
    names: readonly N[],
    standard: Partial<Record<N, string>> = {},
): Filters<N> {
    const { params } = useRoute();
    const values = {} as Values<N>;
    for (const name of names) values[name] = params.get(name) ?? standard[name];
    return {
        values,
        field: (name) => ({
            value: values[name] ?? "",
            onValue: (next) => setParams({ [name]: next }),
        }),
        clear: () => setParams(Object.fromEntries(names.map((name) => [name, undefined]))),
    };
}

function startOf(day: string, daysLater: number): string {
    const start = new Date(`${day}T00:00:00+09:00`).getTime();
    return new Date(start + daysLater * 86400e3).toISOString();
}

/** What lists take: instants, the last day whole. */
export function instants<T extends { from?: string | undefined; to?: string | undefined }>(
    values: T,
): T {
    return {
        ...values,
        from: values.from && startOf(values.from, 0),
        to: values.to && startOf(values.to, 1),
    };
}

export function FilterForm(props: { onClear?: () => void; children: ComponentChildren }) {
    return (
        <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
            {props.children}
            {props.onClear && (
                <button type="button" class="quiet" onClick={props.onClear}>
                    {t("filter.clear")}
                </button>
            )}
        </form>
    );
}

export function DayFields(props: { of: Filters<"from" | "to"> }) {
    const { field, values } = props.of;
    return (
        <>
            <Input label={t("filter.from")} type="date" max={values.to} {...field("from")} />
            <Input label={t("filter.to")} type="date" min={values.from} {...field("to")} />
        </>
    );
}

export function CategorySelect(props: Field) {
    const names = useNames();
    return (
        <Select
            label={t("col.category")}
            any={t("filter.any")}
            choices={[...names.categories.keys()].map((key) => [key, names.category(key)])}
            {...props}
        />
    );
}

/** More than these are found by typing, not by scrolling. */
const SITES_LISTED = 30;
const SITES_OFFERED = 50;

export function SiteSelect(props: Field) {
    const names = useNames();
    if (names.sites.size > SITES_LISTED) return <SiteSearch {...props} names={names} />;
    return (
        <Select
            label={t("col.site")}
            any={t("filter.any.site")}
            choices={[...names.sites.keys()].map((site) => [site, names.site(site)])}
            {...props}
        />
    );
}

/** Sites whose code or name holds the text, at most so many. */
export function sitesLike(names: Names, text: string, most: number): string[] {
    const wanted = text.trim().toLowerCase();
    const found: string[] = [];
    for (const [code, site] of names.sites) {
        if (found.length === most) break;
        if (`${site.name} (${code})`.toLowerCase().includes(wanted)) found.push(code);
    }
    return found;
}

function SiteSearch(props: Field & { names: Names }) {
    const { names, value, onValue } = props;
    const listId = useId();
    const told = (code: string) => (code === "" ? "" : `${names.site(code)} (${code})`);
    const [text, setText] = useState(told(value));
    const current = told(value);
    useEffect(() => setText(current), [current]);
    const offered = sitesLike(names, text === current ? "" : text, SITES_OFFERED);

    function take(next: string): void {
        setText(next);
        if (next === "") onValue("");
        const code = offered.find((one) => told(one) === next || one === next);
        if (code !== undefined) onValue(code);
    }

    /** What was left half typed: the only site it can mean, or what was chosen before. */
    function settle(): void {
        const [only, ...others] = sitesLike(names, text, 2);
        if (text === current || text === "") return;
        if (only !== undefined && others.length === 0) onValue(only);
        else setText(current);
    }

    return (
        <>
            <Input
                label={t("col.site")}
                list={listId}
                type="search"
                autoComplete="off"
                placeholder={t("filter.site.type", { n: names.sites.size })}
                value={text}
                onValue={take}
                onChange={settle}
            />
            <datalist id={listId}>
                {offered.map((one) => (
                    <option key={one} value={told(one)} />
                ))}
            </datalist>
        </>
    );
}
