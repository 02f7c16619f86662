import { Api } from "./api.js";
import { Clock } from "./clock.js";
import { Live } from "./live.js";
import { Router } from "./router.js";
import { Vocabulary } from "./vocabulary.js";
import { AppShell } from "./components/app-shell.js";
import { LoginScreen } from "./components/login-screen.js";
import { ToastStack } from "./components/toast-stack.js";

// The composition root: everything the page is made of is built here and handed down as one object.
const toasts = new ToastStack();
const app = { api: new Api(), live: new Live(), router: new Router(), words: new Vocabulary(), toasts, me: null, repositories: [] };
new Clock(document.body);
document.body.append(toasts);
app.api.addEventListener("unauthorized", () => askForToken("Your sign-in has run out."));
app.live.addEventListener("state", ({ detail }) => {
  if (detail === "connecting") app.api.health().catch(() => {}); // a lost stream may mean an expired cookie: then this asks for the token
});
addEventListener("hashchange", () => {
  if (tokenIn(location.hash)) enter();
});
enter();

async function enter() {
  const token = tokenIn(location.hash);
  if (token) history.replaceState(null, "", location.pathname); // the secret leaves the address bar before anything else happens
  try {
    if (token) await app.api.login(token);
    await open();
  } catch (problem) {
    if (problem.code === "unreachable") askForToken(`${problem.message} ${problem.hint}`);
    else
      askForToken(
        token ? "This token is not valid here. It may belong to another repository or have been replaced." : "",
      );
  }
}

async function open() {
  app.me = await app.api.me();
  document.body.dataset.role = app.me.role;
  const { cursor, repositories } = await app.api.health().catch(() => ({}));
  app.repositories = repositories ?? [];
  document.querySelector("login-screen")?.remove();
  document.querySelector("app-shell")?.remove();
  document.body.prepend(new AppShell(app));
  app.live.start(cursor); // after the shell, so that nothing is missed: what pages read is at least as new as this cursor
  app.router.start();
}

function askForToken(reason) {
  app.live.stop();
  document.querySelector("app-shell")?.remove();
  document.querySelector("login-screen")?.remove();
  document.body.prepend(
    new LoginScreen(reason, async (token) => {
      await app.api.login(token);
      await open();
    }),
  );
}

function tokenIn(hash) {
  return new URLSearchParams(hash.replace(/^#/, "")).get("token");
}
