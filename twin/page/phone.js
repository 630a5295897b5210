"use strict";
// A phone on a page: all text goes in as text nodes, never as markup.
const el = (id) => document.getElementById(id);
const who = el("who"), thread = el("thread"), text = el("text"), problem = el("problem"), reads = el("reads");
const TICKS = { accepted: "✓", sent: "✓", delivered: "✓✓", read: "✓✓", played: "✓✓", failed: "⚠" };
const NAMES = { accepted: "aceptado", sent: "enviado", delivered: "entregado", read: "leído", played: "escuchado", failed: "falló" };
let people = [], asked = 0;

async function call(path, options) {
  const answer = await fetch(path, options);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error || answer.status);
  return body;
}

function post(path, body) {
  return call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

async function guarded(action) {
  problem.textContent = "";
  try { await action(); } catch (wrong) { problem.textContent = "No se pudo: " + wrong.message; }
}

const me = () => encodeURIComponent(who.value);

function media(one) {
  const tag = one.mime.startsWith("image/") ? "img" : one.mime.startsWith("audio/") ? "audio" : one.mime.startsWith("video/") ? "video" : "a";
  const node = document.createElement(tag), url = "/_twin/media/" + encodeURIComponent(one.id);
  if (tag === "a") { node.href = url; node.download = "archivo"; node.textContent = "Descargar"; }
  else { node.src = url; if (tag === "img") node.alt = "Imagen"; else node.controls = true; }
  return node;
}

function bubble(one) {
  const item = document.createElement("li");
  item.className = one.mine ? "mine" : "theirs";
  if (one.media) item.append(media(one.media));
  item.append(document.createTextNode(one.text));
  const meta = document.createElement("span");
  const time = new Date(one.at).toLocaleTimeString("es-MX", { hour: "2-digit", minute: "2-digit" });
  meta.className = "meta" + (["read", "played"].includes(one.status) ? " blue" : "");
  meta.textContent = time + " " + (TICKS[one.status] || "");
  meta.title = NAMES[one.status] || "";
  item.append(meta);
  return item;
}

async function show() {
  if (!who.value) return;
  const turn = ++asked;
  const { bubbles } = await call(`/_twin/customers/${me()}/thread`);
  if (turn !== asked) return;
  const low = thread.scrollHeight - thread.scrollTop - thread.clientHeight < 80;
  thread.replaceChildren(...bubbles.map(bubble));
  if (low) thread.scrollTop = thread.scrollHeight;
  if (!reads.checked && document.visibilityState === "visible") await post(`/_twin/customers/${me()}/read`, {});
}

async function choose() {
  const person = people.find((one) => one.id === who.value);
  reads.checked = !person || person.reads;
  thread.replaceChildren();
  await show();
  thread.scrollTop = thread.scrollHeight;
}

async function say(body) {
  await post(`/_twin/customers/${me()}/messages`, body);
  thread.scrollTop = thread.scrollHeight;
}

function kindOf(mime) {
  const plain = mime.split(";")[0];
  if (["image/jpeg", "image/png"].includes(plain)) return "image";
  if (["video/mp4", "video/3gpp"].includes(plain)) return "video";
  return plain.startsWith("audio/") ? "audio" : "document";
}

async function sendFile(file) {
  const url = await new Promise((good, bad) => {
    const reader = new FileReader();
    reader.onload = () => good(reader.result);
    reader.onerror = () => bad(new Error("no se pudo leer el archivo"));
    reader.readAsDataURL(file);
  });
  const mime = file.type || "application/octet-stream";
  await say({ type: kindOf(mime), mime, filename: file.name, file_base64: url.slice(url.indexOf(",") + 1) });
}

el("compose").addEventListener("submit", (event) => {
  event.preventDefault();
  const words = text.value.trim();
  if (words) guarded(async () => { await say({ type: "text", text: words }); text.value = ""; });
});
document.querySelectorAll("[data-type]").forEach((button) =>
  button.addEventListener("click", () => guarded(() => say({ type: button.dataset.type }))));
el("pick").addEventListener("click", () => el("file").click());
el("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  event.target.value = "";
  if (file) guarded(() => sendFile(file));
});
who.addEventListener("change", () => guarded(choose));
reads.addEventListener("change", () => guarded(async () => {
  await post("/_twin/customers", { id: who.value, reads: reads.checked });
  people = await call("/_twin/customers");
}));

guarded(async () => {
  people = await call("/_twin/customers");
  who.replaceChildren(...people.map((one) => new Option(`${one.name} (${one.hidden ? "sin número" : one.wa_id})`, one.id)));
  const named = people.find((one) => `#${one.wa_id}` === location.hash);  // a link may name the person
  if (named) who.value = named.id;
  await choose();
  new EventSource("/_twin/live").onmessage = () => guarded(show);
});
