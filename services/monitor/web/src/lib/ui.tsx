// The parts all pages are made of.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import type { Trouble } from "./client";
import { dateTime, shortTime } from "./format";
import type { Resource } from "./resource";
import { useNames } from "./session";
import { type Key, t, tCode } from "./words";

export function Panel(props: {
    title: string;
    note?: ComponentChildren;
    actions?: ComponentChildren;
    class?: string;
    children: ComponentChildren;
}) {
    const id = useId();
    return (
        <section class={`panel ${props.class ?? ""}`} aria-labelledby={id}>
            <header class="panel-head">
                <h2 id={id}>{props.title}</h2>
                {props.note && <span class="note">{props.note}</span>}
                {props.actions && <div class="panel-actions">{props.actions}</div>}
            </header>
            {props.children}
        </section>
    );
}

export function Title(props: { text: string; children?: ComponentChildren }) {
    useEffect(() => {
        document.title = `${props.text} – Kasumori`;
    }, [props.text]);
    return (
        <div class="title">
            <h1>{props.text}</h1>
            {props.children}
        </div>
    );
}

export function TroubleBox(props: { trouble: Trouble; onRetry?: () => void }) {
    const { problem } = props.trouble;
    return (
        <div class="trouble" role="alert">
            <strong>{props.trouble.title}</strong>
            {problem?.place && (
                <span class="note">{t("trouble.place", { place: problem.place })}</span>
            )}
            {problem?.detail && <span class="note">{problem.detail}</span>}
            {props.onRetry && (
                <button type="button" class="small" onClick={props.onRetry}>
                    {t("action.retry")}
                </button>
            )}
        </div>
    );
}

/** Loading, empty, error and stale states around what needs data. */
export function Await<T>(props: {
    of: Resource<T>;
    isEmpty?: (data: T) => boolean;
    empty?: Key;
    children: (data: T) => ComponentChildren;
}) {
    const { data, trouble, isLoading, refresh } = props.of;
    if (data === undefined) {
        if (trouble) return <TroubleBox trouble={trouble} onRetry={refresh} />;
        return isLoading ? (
            <p class="loading" role="status">
                {t("state.loading")}
            </p>
        ) : null;
    }
    return (
        <>
            {trouble && <TroubleBox trouble={trouble} onRetry={refresh} />}
            {props.isEmpty?.(data) ? (
                <p class="empty">{t(props.empty ?? "state.empty")}</p>
            ) : (
                <div class={trouble ? "stale" : undefined}>{props.children(data)}</div>
            )}
        </>
    );
}

export function More(props: { of: { hasMore: boolean; more: () => void } }) {
    if (!props.of.hasMore) return null;
    return (
        <p class="more">
            <button type="button" onClick={props.of.more}>
                {t("action.more")}
            </button>
        </p>
    );
}

export function At(props: { at: string | undefined; isFull?: boolean }) {
    if (!props.at) return <span>—</span>;
    return (
        <time dateTime={props.at} title={t("time.zone", { t: dateTime(props.at) })}>
            {props.isFull ? dateTime(props.at) : shortTime(props.at)}
        </time>
    );
}

export type Tone = "plain" | "quiet" | "attention" | "good" | "system";

export function Badge(props: { tone?: Tone; children: ComponentChildren }) {
    return <span class={`badge ${props.tone ?? "plain"}`}>{props.children}</span>;
}

export function VerdictBadge(props: { verdict: string | undefined; standing?: string }) {
    if (props.standing === "disputed")
        return <Badge tone="attention">{t("standing.disputed")}</Badge>;
    if (!props.verdict) return <Badge tone="quiet">{t("verdict.none")}</Badge>;
    const tone = props.verdict === "suspected" ? "attention" : "plain";
    return <Badge tone={tone}>{tCode("verdict", props.verdict)}</Badge>;
}

export function CategoryTags(props: { names: readonly string[] }) {
    const names = useNames();
    if (props.names.length === 0) return <span class="note">{t("category.none")}</span>;
    return (
        <span class="tags">
            {props.names.map((name) => (
                <span key={name} class="tag">
                    {names.category(name)}
                </span>
            ))}
        </span>
    );
}

type Choice = readonly [value: string, label: string];

export function Select(props: {
    label: string;
    value: string;
    choices: readonly Choice[];
    onValue: (value: string) => void;
    any?: string;
    isRequired?: boolean;
}) {
    return (
        <label class="field">
            <span>{props.label}</span>
            <select
                value={props.value}
                required={props.isRequired}
                onChange={(event) => props.onValue(event.currentTarget.value)}
            >
                {props.any !== undefined && <option value="">{props.any}</option>}
                {props.choices.map(([value, label]) => (
                    <option key={value} value={value}>
                        {label}
                    </option>
                ))}
            </select>
        </label>
    );
}

export function Input(
    props: {
        label: string;
        value: string;
        onValue: (value: string) => void;
        hint?: string;
    } & Omit<JSX.InputHTMLAttributes<HTMLInputElement>, "label" | "value" | "onInput">,
) {
    const { label, value, onValue, hint, ...rest } = props;
    const id = useId();
    return (
        <label class="field">
            <span>{label}</span>
            <input
                {...rest}
                value={value}
                aria-describedby={hint ? id : undefined}
                onInput={(event) => onValue(event.currentTarget.value)}
            />
            {hint && (
                <small id={id} class="note">
                    {hint}
                </small>
            )}
        </label>
    );
}

export function ReasonField(props: {
    label?: string;
    value: string;
    onValue: (value: string) => void;
}) {
    const id = useId();
    return (
        <label class="field wide">
            <span>{props.label ?? t("decide.reason")}</span>
            <textarea
                rows={2}
                required
                maxLength={500}
                value={props.value}
                aria-describedby={id}
                onInput={(event) => props.onValue(event.currentTarget.value)}
            />
            <small id={id} class="note">
                {t("decide.reason.hint")}
            </small>
        </label>
    );
}

/** A modal of the browser's own, which keeps the focus inside and gives it back. */
export function Dialog(props: { title: string; onClose: () => void; children: ComponentChildren }) {
    const element = useRef<HTMLDialogElement>(null);
    const id = useId();
    useEffect(() => {
        element.current?.showModal();
    }, []);
    return (
        <dialog ref={element} aria-labelledby={id} onClose={props.onClose}>
            <h2 id={id}>{props.title}</h2>
            {props.children}
        </dialog>
    );
}

/** A button that asks for a reason in place, then acts with it. */
export function ReasonDialog(props: {
    title: string;
    action: string;
    isBusy: boolean;
    trouble: Trouble | undefined;
    reason: string;
    onReason: (value: string) => void;
    onClose: () => void;
    onSubmit: () => void;
    children?: ComponentChildren;
}) {
    return (
        <Dialog title={props.title} onClose={props.onClose}>
            <form
                onSubmit={(event) => {
                    event.preventDefault();
                    props.onSubmit();
                }}
            >
                {props.children}
                <ReasonField value={props.reason} onValue={props.onReason} />
                {props.trouble && <TroubleBox trouble={props.trouble} />}
                <div class="buttons">
                    <button type="submit" class="primary" disabled={props.isBusy}>
                        {props.action}
                    </button>
                    <button type="button" onClick={props.onClose}>
                        {t("action.cancel")}
                    </button>
                </div>
            </form>
        </Dialog>
    );
}
