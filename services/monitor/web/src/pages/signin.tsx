import { useState } from "preact/hooks";
import { LangSwitch } from "../app";
import { Trouble } from "../lib/client";
import { signIn } from "../lib/session";
import { Input, Title, TroubleBox } from "../lib/ui";
import { t } from "../lib/words";

const KEPT = "kasumori.tenant";

export function SignInPage(props: { wasIn: boolean }) {
    const [tenant, setTenant] = useState(localStorage.getItem(KEPT) ?? "");
    const [account, setAccount] = useState("");
    const [password, setPassword] = useState("");
    const [trouble, setTrouble] = useState<Trouble>();
    const [isBusy, setBusy] = useState(false);

    async function enter(): Promise<void> {
        setBusy(true);
        setTrouble(undefined);
        try {
            await signIn(tenant.trim(), account.trim(), password);
            localStorage.setItem(KEPT, tenant.trim());
        } catch (error) {
            setPassword("");
            setTrouble(error instanceof Trouble ? error : new Trouble());
        } finally {
            setBusy(false);
        }
    }

    return (
        <main class="center signin">
            <form
                class="panel"
                onSubmit={(event) => {
                    event.preventDefault();
                    void enter();
                }}
            >
                <Title text={t("signin.title")}>
                    <LangSwitch />
                </Title>
                <p class="note">{t("signin.note")}</p>
                {props.wasIn && !trouble && (
                    <p class="away" role="status">
                        {t("signin.ended")}
                    </p>
                )}
                <Input
                    label={t("signin.tenant")}
                    value={tenant}
                    onValue={setTenant}
                    required
                    autoComplete="organization"
                    autoCapitalize="off"
                    spellcheck={false}
                />
                <Input
                    label={t("signin.account")}
                    value={account}
                    onValue={setAccount}
                    required
                    autoComplete="username"
                    autoCapitalize="off"
                    spellcheck={false}
                />
                <Input
                    label={t("signin.password")}
                    value={password}
                    onValue={setPassword}
                    required
                    type="password"
                    autoComplete="current-password"
                />
                {trouble && <TroubleBox trouble={trouble} />}
                <div class="buttons">
                    <button type="submit" class="primary" disabled={isBusy}>
                        {t("signin.enter")}
                    </button>
                </div>
            </form>
        </main>
    );
}
