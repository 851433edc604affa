// A sheet of A4: papers are Japanese whatever the language of the board, since who reads them is not who
// printed them.
import type { ComponentChildren } from "preact";
import { dateTime } from "./format";
import { useSession } from "./session";
import { Title } from "./ui";
import { t } from "./words";

export function Sheet(props: { name: string; paper: string; children: ComponentChildren }) {
    const session = useSession();
    return (
        <>
            <div class="no-print">
                <Title text={props.name}>
                    <span class="spring" />
                    <button type="button" class="primary" onClick={() => window.print()}>
                        {t("sheet.print")}
                    </button>
                </Title>
            </div>
            <article class="sheet" lang="ja">
                <header>
                    <h2>{props.paper}</h2>
                    <p>社外秘・目的外の利用を禁じます</p>
                </header>
                {props.children}
                <footer>
                    作成 {dateTime(new Date().toISOString())}(時刻は日本時間){" "}
                    {session.name || session.account} / Kasumori
                </footer>
            </article>
        </>
    );
}

/** A row of a form; an empty value leaves room to write by hand. */
export function Row(props: { name: string; children?: ComponentChildren }) {
    return (
        <tr>
            <th scope="row">{props.name}</th>
            <td>{props.children || <span class="blank">不明・要確認</span>}</td>
        </tr>
    );
}
