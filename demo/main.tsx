// The entry of the page.

import { render } from "preact";
import { App } from "./app.tsx";
import { keepOffline } from "./offline.ts";
import { startPage } from "./page.ts";
import "./style.css";

startPage();
render(<App />, document.getElementById("app")!);
keepOffline();
