-- The balancer with `compress`, and answers as curl and the tools of the codings read them.
--
--   compressed.start(handler or origin's options, options) → n, o    options: compress (in words;
--       default: { "zstd", "br", "gzip" }), service (more of its keys), pool (keys of the pool),
--       more_pools, rest (of the config), allow, backends (URLs in the place of an origin)
--   compressed.get(n, path, { accept = "gzip", curl = { more arguments } }) → { status, headers (by
--       lower-case name), body (decoded by curl), size (as sent), code (curl's exit) }
--   compressed.plain(coding, bytes) → them decoded, as far as they come
--   compressed.text(n) → n bytes that compress well, in which no two places look alike
--   compressed.TYPE     a head's line: text/plain

local ffi = require "ffi"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"

local compressed = { TYPE = "Content-Type: text/plain\r\n" }

local CONFIG = [[local neap = require "neap" return { workers = 1,
  services = { { listen = "127.0.0.1:0", pool = "p", compress = %s, %s } },
  pools = { p = { backends = { %s }, health = { type = "none" }, %s }, %s }, %s }]]

ffi.cdef [[
typedef struct BrotliDecoderStateStruct BrotliDecoderState;
BrotliDecoderState *BrotliDecoderCreateInstance(void *alloc, void *free, void *opaque);
int BrotliDecoderDecompressStream(BrotliDecoderState *state, size_t *in_n, const char **in,
  size_t *out_n, char **out, size_t *total);
void BrotliDecoderDestroyInstance(BrotliDecoderState *state);
]]
local brotli = ffi.load "libbrotlidec.so.1"
local BROTLI_FULL, PIECE = 3, 65536

local function urls_of(backends)
  local urls = {}
  for i, backend in ipairs(backends) do urls[i] = ("%q"):format(backend.url or backend) end
  return table.concat(urls, ", ")
end

function compressed.start(backend, options)
  options = options or {}
  if type(backend) == "function" then backend = { handler = backend } end
  local o = backend and origin.start(backend)
  local n = neap.start {
    allow = options.allow,
    config = CONFIG:format(options.compress or '{ "zstd", "br", "gzip" }', options.service or "",
      urls_of(options.backends or { o }), options.pool or "",
      options.more_pools or "", options.rest or ""),
  }
  return n, o
end

local function headers_of(text)
  local headers = {}
  for name, value in text:gmatch "([^%s:]+):[ \t]*([^\r\n]*)\r\n" do
    local key = name:lower()
    headers[key] = headers[key] and headers[key] .. ", " .. value or value
  end
  return headers
end

function compressed.get(n, path, options)
  options = options or {}
  local dir = scope.directory()
  local argv = { "curl", "-sS", "--compressed", "--max-time", "60", "-D", dir .. "/head", "-o",
    dir .. "/body", "-w", "%{http_code} %{size_download}" }
  if options.accept then
    argv[#argv + 1] = "-H"
    argv[#argv + 1] = options.accept == "" and "Accept-Encoding:"
      or "Accept-Encoding: " .. options.accept
  end
  for _, argument in ipairs(options.curl or {}) do argv[#argv + 1] = argument end
  argv[#argv + 1] = "http://" .. n.address .. path
  scope.write(dir .. "/body", "")
  local code, out = process.run { argv = argv, limit = 70 }
  local status, size = out:match "(%d+) (%d+)"
  return { status = tonumber(status), size = tonumber(size), code = code,
    headers = headers_of(scope.read(dir .. "/head")), body = scope.read(dir .. "/body") }
end

-- brotli's tool writes nothing of what is not whole.
local function unbrotli(bytes)
  local state = brotli.BrotliDecoderCreateInstance(nil, nil, nil)
  local out, pieces = ffi.new("char[?]", PIECE), {}
  local in_n, p = ffi.new("size_t[1]", #bytes), ffi.new("const char *[1]", { bytes })
  repeat
    local left, to = ffi.new("size_t[1]", PIECE), ffi.new("char *[1]", { out })
    local result = brotli.BrotliDecoderDecompressStream(state, in_n, p, left, to, nil)
    pieces[#pieces + 1] = ffi.string(out, PIECE - tonumber(left[0]))
  until result ~= BROTLI_FULL
  brotli.BrotliDecoderDestroyInstance(state)
  return table.concat(pieces)
end

function compressed.plain(coding, bytes)
  if coding == "br" then return unbrotli(bytes) end
  local _, out = process.run { argv = { coding, "-dc" }, stdin = bytes }
  return out
end

function compressed.text(count)
  local pieces, size = {}, 0
  while size < count do
    pieces[#pieces + 1] = ("line %d of a text that says little, and says it again\n")
      :format(#pieces)
    size = size + #pieces[#pieces]
  end
  return table.concat(pieces):sub(1, count)
end

return compressed
