// Times and numbers as people read them. Every time is shown in Japan's time, wherever the reader is.
import { lang, t } from "./words";

const ZONE = "Asia/Tokyo";
const cache = new Map<string, Intl.DateTimeFormat>();

function formatter(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
    const locale = lang.get() === "ja" ? "ja-JP" : "en-GB";
    const key = `${locale} ${name}`;
    let found = cache.get(key);
    if (found === undefined) {
        found = new Intl.DateTimeFormat(locale, { timeZone: ZONE, ...options });
        cache.set(key, found);
    }
    return found;
}

export function dateTime(at: string): string {
    return formatter("full", {
        year: "numeric",
        month: "2-digit",
        day: "2-digit",
        hour: "2-digit",
        minute: "2-digit",
    }).format(new Date(at));
}

export function shortTime(at: string): string {
    const today = day(new Date());
    const date = new Date(at);
    if (day(date) === today)
        return t("time.today", {
            t: formatter("clock", { hour: "2-digit", minute: "2-digit" }).format(date),
        });
    return formatter("short", {
        month: "2-digit",
        day: "2-digit",
        hour: "2-digit",
        minute: "2-digit",
    }).format(date);
}

export function clock(date: Date): string {
    return formatter("seconds", {
        month: "long",
        day: "numeric",
        weekday: "short",
        hour: "2-digit",
        minute: "2-digit",
    }).format(date);
}

export function dateOnly(at: string): string {
    const date = at.length === 10 ? new Date(`${at}T00:00:00+09:00`) : new Date(at);
    return formatter("date", { year: "numeric", month: "2-digit", day: "2-digit" }).format(date);
}

export function longDate(at: string): string {
    const date = at.length === 10 ? new Date(`${at}T00:00:00+09:00`) : new Date(at);
    return formatter("long", {
        year: "numeric",
        month: "long",
        day: "numeric",
        weekday: "short",
    }).format(date);
}

export function monthDay(at: string): string {
    const [, month, dayOfMonth] = at.split("-");
    return `${Number(month)}/${Number(dayOfMonth)}`;
}

/** The day in Japan as YYYY-MM-DD. */
export function day(date: Date): string {
    return new Date(date.getTime() + 9 * 3600e3).toISOString().slice(0, 10);
}

export function daysAgo(count: number): string {
    return day(new Date(Date.now() - count * 86400e3));
}

export function number(value: number): string {
    return value.toLocaleString(lang.get() === "ja" ? "ja-JP" : "en-GB", {
        maximumFractionDigits: 1,
    });
}

export function percent(share: number): string {
    return `${number(share * 100)} %`;
}

export function duration(ms: number): string {
    const minutes = Math.floor(ms / 60000);
    if (minutes < 1) return t("time.seconds", { n: Math.round(ms / 1000) });
    if (minutes < 60) return t("time.minutes", { n: minutes });
    if (minutes < 48 * 60) return t("time.hours", { h: Math.floor(minutes / 60), m: minutes % 60 });
    return t("time.days", { n: Math.floor(minutes / 1440) });
}

export function since(at: string, now = Date.now()): string {
    return t("time.ago", { t: duration(Math.max(0, now - new Date(at).getTime())) });
}
