// Starts a PDS and its PLC directory (no AppView), says where, and ends when its input ends,
// so that it cannot outlive the tests that started it.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const require = createRequire(process.cwd() + '/package.json')
const { TestNetworkNoAppView } = await import(pathToFileURL(require.resolve('@atproto/dev-env')))

const network = await TestNetworkNoAppView.create({
  pds: { hostname: 'localhost', enableDidDocWithSession: true },
})
console.log(JSON.stringify({ pds: network.pds.url, plc: network.plc.url }))

process.stdin.resume()
for (const end of ['end', 'close', 'error']) process.stdin.on(end, () => process.exit(0))
