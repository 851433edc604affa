// Tables and lists that go on, written once for all pages.
import type { ComponentChildren } from "preact";
import type { Pages } from "./resource";
import { Await, More, Panel } from "./ui";
import { type Key, t } from "./words";

export interface Column<T> {
    head: ComponentChildren;
    cell: (one: T) => ComponentChildren;
    class?: string;
    isHeader?: boolean; // of its row
}

export function Table<T>(props: {
    label: string;
    items: readonly T[];
    keyOf: (one: T) => string | number;
    columns: readonly (Column<T> | false | undefined)[];
    class?: string;
}) {
    const columns = props.columns.filter((one): one is Column<T> => !!one);
    return (
        <div class="scroll" tabIndex={0} role="group" aria-label={props.label}>
            <table class={props.class}>
                <thead>
                    <tr>
                        {columns.map((one, index) => (
                            <th key={index} scope="col" class={one.class}>
                                {one.head}
                            </th>
                        ))}
                    </tr>
                </thead>
                <tbody>
                    {props.items.map((item) => (
                        <tr key={props.keyOf(item)}>
                            {columns.map((one, index) =>
                                one.isHeader ? (
                                    <th key={index} scope="row" class={one.class}>
                                        {one.cell(item)}
                                    </th>
                                ) : (
                                    <td key={index} class={one.class}>
                                        {one.cell(item)}
                                    </td>
                                ),
                            )}
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

/** Whether these are all, or the first of more. */
export function countText<T>(pages: Pages<T>): string | undefined {
    const n = pages.data?.length;
    if (n === undefined) return undefined;
    return t(pages.hasMore ? "list.first" : "list.shown", { n });
}

export function ListPanel<T>(props: {
    title: string;
    of: Pages<T>;
    empty: Key;
    note?: string;
    children: (items: T[]) => ComponentChildren;
}) {
    const { of } = props;
    const notes = [countText(of), props.note].filter(Boolean).join(" · ");
    return (
        <Panel title={props.title} note={notes}>
            <Await of={of} isEmpty={(items) => items.length === 0} empty={props.empty}>
                {props.children}
            </Await>
            <More of={of} />
        </Panel>
    );
}
