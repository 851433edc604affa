// Two languages, Japanese first. The choice stays in this browser.
import { en } from "../words/en";
import { ja } from "../words/ja";
import { Store, useStore } from "./store";

export type Lang = "ja" | "en";
export type Key = keyof typeof ja;
export type Params = Record<string, string | number>;

const KEPT = "kasumori.lang";

function chosen(): Lang {
    const kept = localStorage.getItem(KEPT);
    if (kept === "ja" || kept === "en") return kept;
    return navigator.language.startsWith("en") ? "en" : "ja";
}

export const lang = new Store<Lang>(chosen());

export function setLang(next: Lang): void {
    localStorage.setItem(KEPT, next);
    document.documentElement.lang = next;
    lang.set(next);
}

export function t(key: Key, params?: Params): string {
    const text = (lang.get() === "ja" ? ja : en)[key];
    if (params === undefined) return text;
    return text.replace(/\{(\w+)\}/g, (_, name: string) => String(params[name] ?? ""));
}

/** For codes that a newer server may know and these words do not. */
export function tCode(prefix: string, code: string): string {
    const key = `${prefix}.${code}`;
    return key in ja ? t(key as Key) : code;
}

export function pick(both: { ja: string; en: string } | undefined): string {
    if (both === undefined) return "";
    return lang.get() === "ja" ? both.ja || both.en : both.en || both.ja;
}

export function useLang(): Lang {
    return useStore(lang);
}
