-- The http room for unit specs: its headers as FFI declarations, and heads parsed in one piece,
-- byte by byte and cut at each position, which must all give the same.
local assert = require "luassert"
local probe = require "support.probe"

local ffi = probe.ffi
local http = { ffi = ffi }

-- A header without what LuaJIT does not read: directives and inline functions.
local function declarations(path)
  local kept, inside = {}, false
  for line in io.lines(path) do
    inside = inside or line:find "^static inline" ~= nil
    if not inside and not line:find "^#" then table.insert(kept, line) end
    if line == "}" then inside = false end
  end
  return table.concat(kept, "\n")
end

local headers = {
  "base/str.h", "http/msg.h", "http/field_id.h", "http/h1_head.h", "http/h1_framing.h",
  "http/h1_chunk.h", "http/h1_body.h", "http/h1_reader.h", "base/out.h", "http/h1_write.h",
  "http/forwarded.h", "http/status.h",
}

local function load()
  local text = { "struct buf { struct slab *slab; char *data; uint32_t start, end; };" }
  for _, name in ipairs(headers) do table.insert(text, declarations("src/" .. name)) end
  table.insert(text, "size_t scan_value_bytes(const char *p, size_t n);")
  table.insert(text, "size_t scan_value_bytes_plain(const char *p, size_t n);")
  return probe.load(table.concat(text, "\n"))
end

http.lib = load()

function http.str(text)
  return ffi.new("struct str", text, #text)
end

function http.text(s)
  return s.n > 0 and ffi.string(s.p, s.n) or ""
end

-- A Lua function of a text as the C function pointer that some of the room's functions take. LuaJIT
-- makes no callbacks with structs by value; a struct of two words is passed like two words.
function http.judge(judge)
  local callback = ffi.cast("bool (*)(const void *, const char *, size_t)", function(_, p, n)
    return judge(ffi.string(p, n))
  end)
  return ffi.cast("bool (*)(const void *, struct str)", callback)
end

local defaults = { header_bytes = 16384, uri_bytes = 8192, headers = 100 }

-- A head object that keeps alive what it points to.
function http.new_head(options)
  options = options or {}
  local limits = ffi.new("struct http_limits", options.limits or defaults)
  local fields = ffi.new("struct http_field[?]", limits.headers)
  local head = ffi.new "struct http_head"
  http.lib.h1_head_init(head, options.response or false, fields, limits)
  return { h = head, limits = limits, fields = fields, options = options }
end

-- Bytes in memory of their own, so that nothing can point into an earlier piece.
function http.bytes(text)
  local memory = ffi.new("char[?]", math.max(#text, 1))
  ffi.copy(memory, text, #text)
  return memory
end

local function feed(head, text)
  head.base = http.bytes(text)
  return tonumber(http.lib.h1_head_parse(head.h, head.base, #text))
end

local function span(head, s)
  return ffi.string(head.base + s.at, s.n)
end

local function field(head, f)
  return {
    name = ffi.string(head.base + f.line, f.name_n),
    value = ffi.string(head.base + f.value, f.value_n),
    id = f.id,
    named_hop = f.named_hop == 1,
  }
end

-- What specs look at, as plain values.
local function summary(head, result)
  local h, lib = head.h, http.lib
  if result == lib.H1_MORE then return { more = true } end
  if result == lib.H1_BAD then
    return { status = h.refusal.status, reason = ffi.string(h.refusal.reason) }
  end
  local request = not h.is_response
  local s = {
    done = true, bytes = h.bytes, minor = h.minor, flags = h.flags, framing = h.framing,
    length = tonumber(h.length), present = tostring(h.present), fields = {},
    method = request and span(head, h.method), method_id = h.method_id,
    target = request and span(head, h.target), form = h.form, host = span(head, h.host),
    path = request and http.text(lib.h1_path(h, head.base)), query = span(head, h.query),
    has_query = h.has_query, reply = h.status, words = span(head, h.reason),
    keeps_alive = lib.h1_keeps_alive(h),
  }
  for i = 0, h.n - 1 do table.insert(s.fields, field(head, h.fields[i])) end
  return s
end

-- Feeds text[1 … n] for each of the lengths until the parser has made up its mind.
local function parse_in_steps(text, options, lengths)
  local head = http.new_head(options)
  local result = http.lib.H1_MORE
  for _, n in ipairs(lengths) do
    result = feed(head, text:sub(1, n))
    if result ~= http.lib.H1_MORE then break end
  end
  return summary(head, result), head
end

local function assert_same(whole, other, text, how)
  if not pcall(assert.same, whole, other) then
    error(("%q %s: in one piece %s, else %s"):format(text, how, tostring(whole.reason),
      tostring(other.reason)), 0)
  end
end

-- Parses text in every way of cutting it and returns the one result, and the head.
function http.parse(text, options)
  local whole, head = parse_in_steps(text, options, { #text })
  local each = {}
  for n = 0, #text do
    each[n + 1] = n
    if #text <= 512 then
      assert_same(whole, parse_in_steps(text, options, { n, #text }), text, "cut at " .. n)
    end
  end
  assert_same(whole, parse_in_steps(text, options, each), text, "byte by byte")
  return whole, head
end

-- "GET / HTTP/1.1" and Host, with these lines behind.
function http.request(lines, first)
  return (first or "GET / HTTP/1.1") .. "\r\nHost: a.example\r\n" .. (lines or "") .. "\r\n"
end

function http.response(lines, first)
  return (first or "HTTP/1.1 200 OK") .. "\r\n" .. (lines or "") .. "\r\n"
end

-- Rows of { text, status, reason }: each is refused so.
function http.assert_refused(rows, options)
  for _, row in ipairs(rows) do
    local got = http.parse(row[1], options)
    local said = ("%q: %s %s"):format(row[1], tostring(got.status), tostring(got.reason))
    assert(not got.done and not got.more, said .. " instead of " .. row[2])
    assert.equals(("%q: %d %s"):format(row[1], row[2], row[3] or got.reason), said)
  end
end

function http.assert_accepted(texts, options)
  for _, text in ipairs(texts) do
    local got = http.parse(text, options)
    assert(got.done, ("%q: %s %s"):format(text, tostring(got.status), tostring(got.reason)))
  end
end

function http.has_flag(result, flag)
  return require("bit").band(result.flags, http.lib[flag]) ~= 0
end

return http
