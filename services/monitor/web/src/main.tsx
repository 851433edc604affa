import { render } from "preact";
import { App } from "./app";
import { resume } from "./lib/session";
import { lang } from "./lib/words";

document.documentElement.lang = lang.get();
const root = document.getElementById("board");
if (root !== null) {
    root.textContent = "";
    render(<App />, root);
    void resume();
}
