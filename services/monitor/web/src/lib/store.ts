// One value that components watch. Everything the pages share is one of these.
import { useEffect, useState } from "preact/hooks";

export class Store<T> {
    #watchers = new Set<(value: T) => void>();
    #value: T;

    constructor(value: T) {
        this.#value = value;
    }

    get(): T {
        return this.#value;
    }

    set(value: T): void {
        if (Object.is(value, this.#value)) return;
        this.#value = value;
        for (const watcher of [...this.#watchers]) watcher(value);
    }

    /** Ends with the function returned. */
    watch(watcher: (value: T) => void): () => void {
        this.#watchers.add(watcher);
        return () => {
            this.#watchers.delete(watcher);
        };
    }
}

export function useStore<T>(store: Store<T>): T {
    const [value, setValue] = useState(store.get());
    useEffect(() => {
        setValue(store.get());
        return store.watch((next) => setValue(() => next));
    }, [store]);
    return value;
}
