// Starts a PDS, its PLC directory and a real AppView on PostgreSQL, says where, and ends when its
// input ends, so that it cannot outlive the tests that started it.
import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const require = createRequire(process.cwd() + '/package.json')
const { TestPlc, TestPds, TestBsky, mockNetworkUtilities } = await import(
  pathToFileURL(require.resolve('@atproto/dev-env'))
)

const [pdsPort, bskyPort, plcPort] = process.argv.slice(2).map(Number)
const plc = await TestPlc.create({ port: plcPort })
const bsky = await TestBsky.create({
  port: bskyPort,
  plcUrl: plc.url,
  pdsPort,
  repoProvider: `ws://localhost:${pdsPort}`,
  dbPostgresSchema: 'appview',
  dbPostgresUrl: process.env.DB_POSTGRES_URL,
  rolodexIgnoreBadTls: true,
  privateKey: randomBytes(32).toString('hex'),
})
const pds = await TestPds.create({
  port: pdsPort,
  hostname: 'localhost',
  enableDidDocWithSession: true,
  didPlcUrl: plc.url,
  bskyAppViewUrl: bsky.url,
  bskyAppViewDid: bsky.ctx.cfg.serverDid,
})
mockNetworkUtilities(pds, bsky)
console.log(JSON.stringify({ pds: pds.url, appview: bsky.url, plc: plc.url }))

process.stdin.resume()
for (const end of ['end', 'close', 'error']) process.stdin.on(end, () => process.exit(0))
