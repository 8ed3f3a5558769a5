// The dev-env listens on all interfaces and has no setting for it; a test server must not be
// reachable from outside, so every listen() without a host becomes one on 127.0.0.1.
'use strict'
const net = require('node:net')
const listen = net.Server.prototype.listen
const isPort = (value) => typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value))

net.Server.prototype.listen = function (...args) {
  const [first] = args
  if (isPort(first)) {
    if (typeof args[1] !== 'string') args.splice(1, 0, '127.0.0.1')
  } else if (first && typeof first === 'object' && first.port !== undefined && !first.host) {
    args[0] = { ...first, host: '127.0.0.1' }
  }
  return listen.apply(this, args)
}
