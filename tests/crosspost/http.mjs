// crosspost speaks https only, and the PDS on loopback http only.
const fetchAs = globalThis.fetch
globalThis.fetch = (address, options) =>
  fetchAs(String(address).replace(/^https:\/\/127\.0\.0\.1/, 'http://127.0.0.1'), options)
