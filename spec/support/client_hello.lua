-- ClientHellos of TLS, byte by byte, for specs of what reads them:
--
--   hello.message{ sni = "a.test", alpn = { "h2" }, ciphers =, versions =, signatures =, more = }
--                       → a handshake message; more: further extensions, { { type, bytes }, … }
--   hello.records(message, sizes)   in records of so many bytes each; the last size: of all others
--   hello.of(options)   → message and records in one

local hello = {}

local function u8(n) return string.char(n) end
local function u16(n) return string.char(math.floor(n / 256) % 256, n % 256) end
local function v8(bytes) return u8(#bytes) .. bytes end
local function v16(bytes) return u16(#bytes) .. bytes end
hello.u8, hello.u16, hello.v8, hello.v16 = u8, u16, v8, v16

local function numbers(list)
  local bytes = {}
  for i, n in ipairs(list) do
    bytes[i] = u16(n)
  end
  return table.concat(bytes)
end

local function protocols(list)
  local bytes = {}
  for i, name in ipairs(list) do
    bytes[i] = v8(name)
  end
  return v16(table.concat(bytes))
end

function hello.extension(type, bytes) return u16(type) .. v16(bytes) end

local function extensions_of(o)
  local all = {}
  local function add(type, bytes) table.insert(all, hello.extension(type, bytes)) end
  if o.sni then add(0, v16(u8(0) .. v16(o.sni))) end
  if o.alpn then add(16, protocols(o.alpn)) end
  if o.versions then add(43, v8(numbers(o.versions))) end
  if o.signatures then add(13, v16(numbers(o.signatures))) end
  for _, extension in ipairs(o.more or {}) do
    add(extension[1], extension[2])
  end
  return table.concat(all)
end

function hello.message(o)
  local body = u16(o.version or 0x0303) .. ("r"):rep(32) .. v8(o.session or ("s"):rep(32))
    .. v16(numbers(o.ciphers or { 0x1301, 0x1302, 0xc02b })) .. v8 "\0"
  if not o.is_old then body = body .. v16(extensions_of(o)) end
  return u8(1) .. u8(math.floor(#body / 65536)) .. u16(#body) .. body
end

function hello.record(bytes) return "\22\3\1" .. v16(bytes) end

function hello.records(message, sizes)
  local records, at = {}, 1
  while at <= #message do
    local size = sizes[#records + 1] or sizes[#sizes]
    table.insert(records, hello.record(message:sub(at, at + size - 1)))
    at = at + size
  end
  return table.concat(records)
end

function hello.of(o) return hello.records(hello.message(o), { 16384 }) end

return hello
