// The only script of the desk: asks the browser for a passkey, and sends its answer with the form.
"use strict";

const bytesOf = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const textOf = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const withBytes = (keys) => (keys || []).map((key) => ({ ...key, id: bytesOf(key.id) }));

async function answerTo(options) {
  options.challenge = bytesOf(options.challenge);
  let made;
  if (options.user) {
    options.user.id = bytesOf(options.user.id);
    options.excludeCredentials = withBytes(options.excludeCredentials);
    made = await navigator.credentials.create({ publicKey: options });
  } else {
    options.allowCredentials = withBytes(options.allowCredentials);
    made = await navigator.credentials.get({ publicKey: options });
  }
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature"]) {
    if (made.response[name]) response[name] = textOf(made.response[name]);
  }
  return JSON.stringify({ id: made.id, rawId: textOf(made.rawId), type: made.type, response });
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.hidden = !window.PublicKeyCredential;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const problem = form.querySelector("[role=alert]");
    problem.textContent = "";
    try {
      form.elements.answer.value = await answerTo(JSON.parse(form.dataset.passkey));
      form.submit();
    } catch (error) {
      problem.textContent = "No passkey was used. Try again.";
    }
  });
}
