-- Rows of the schema about `shared`: stores, and the Redis in which several balancers meet
-- (schema.lua says what a row is; docs/shared.md and docs/limits.md tell of it).

local N = require("neap.ffi").numbers

local store = {}

store.store = {
  { "bytes", "integer", default = 16777216, min = N.NEAP_STORE_BYTES_MIN, max = 2 ^ 36,
    unit = "bytes",
    text = "How much memory the store has, all included. About 72 bytes an entry with a short key "
      .. "and a number; what was not used for longest goes when it is full." },
  { "store", "choice", default = "memory", values = { "memory", "redis" },
    text = "`\"redis\"`: several balancers have it in common. Each decides by its own memory, and "
      .. "the agent brings them together in the background (docs/shared.md)." },
  { "redis", "section", section = "store_redis", when = { "store", "redis" },
    text = "The Redis in which they meet." },
}

store.store_redis = {
  { "address", "text", default = "127.0.0.1:6379", max = 255,
    text = "`host:port`, or `unix:/path`." },
  { "prefix", "text", default = "neap:", max = 255,
    text = "What its keys begin with, before the store's name; one for each group of balancers." },
  { "user", "name", max = 255, text = "For Redis' own authentication." },
  { "password", "secret", max = 255, text = "Of that user, or of all." },
  { "password_file", "path", max = 4000,
    text = "A file that has it in its first line, instead of `password`; read anew each time." },
  { "db", "integer", default = 0, min = 0, max = 65535, text = "The number of its database." },
  { "tls", "section", section = "discover_tls", optional = true,
    text = "Redis is spoken to by TLS; `{}` is enough. As in a pool's `discover`." },
  { "timeout", "seconds", default = 1, min = 0.01, max = 60, unit = "s",
    text = "For an answer, connecting included. No request waits for it." },
  { "interval", "seconds", default = 0.1, min = 0.02, max = 60, unit = "s",
    text = "Between two exchanges with Redis; what limits let pass beyond their rate grows with it "
      .. "(docs/limits.md)." },
  { "balancers", "integer", default = 1, min = 1, max = 1000,
    text = "So many are assumed at least, until Redis has said how many there are." },
}

return store
