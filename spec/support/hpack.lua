-- HPACK (RFC 7541): field blocks made by hand, and read by nghttp2's decoder.
--
--   hpack.block { { name, value }, … } → bytes     each a literal that is not indexed, no Huffman;
--       a string in the list stands for itself (bytes of hpack.indexed and the like)
--   hpack.literal(name, value)       §6.2.2;  hpack.never(name, value)      §6.2.3
--   hpack.incremental(name, value)   §6.2.1, goes into the dynamic table
--       name may be a number: the index of a name
--   hpack.indexed(n)    §6.1;  hpack.table_size(n)    §6.3
--   hpack.integer(n, bits, first = 0) → bytes    §5.1: in so many bits of the first octet
--   hpack.text(bytes, is_huffman)    §5.2, the bytes as they are
--
--   hpack.decoder() → d;  d:decode(block) → list of { name, value }, with the (last) value by name
--       too; raises on what is not HPACK. One decoder a direction of a connection.
--   hpack.encoder() → e;  e:encode { { name, value }, … } → bytes, with Huffman and indexes

local ffi = require "ffi"

local DECLARATIONS = [[
typedef struct { uint8_t *name; uint8_t *value; size_t namelen; size_t valuelen; uint8_t flags; }
  hpack_nv;
int nghttp2_hd_inflate_new(void **inflater);
void nghttp2_hd_inflate_del(void *inflater);
ptrdiff_t nghttp2_hd_inflate_hd2(void *inflater, hpack_nv *nv, int *flags, const uint8_t *in,
  size_t length, int is_final);
int nghttp2_hd_inflate_end_headers(void *inflater);
int nghttp2_hd_deflate_new(void **deflater, size_t table);
void nghttp2_hd_deflate_del(void *deflater);
ptrdiff_t nghttp2_hd_deflate_hd(void *deflater, uint8_t *buffer, size_t size, const hpack_nv *nv,
  size_t count);
]]
if not pcall(ffi.typeof, "hpack_nv") then ffi.cdef(DECLARATIONS) end

local library
local function nghttp2()
  library = library or ffi.load "libnghttp2.so.14"
  return library
end

local FLAG_FINAL, FLAG_EMIT = 1, 2

local hpack = {}

function hpack.integer(n, bits, first)
  local most = 2 ^ bits - 1
  first = first or 0
  if n < most then return string.char(first + n) end
  local list = { string.char(first + most) }
  n = n - most
  while n >= 128 do
    list[#list + 1] = string.char(n % 128 + 128)
    n = math.floor(n / 128)
  end
  list[#list + 1] = string.char(n)
  return table.concat(list)
end

function hpack.text(bytes, is_huffman)
  return hpack.integer(#bytes, 7, is_huffman and 128 or 0) .. bytes
end

local function literal(name, value, bits, first)
  if type(name) == "number" then return hpack.integer(name, bits, first) .. hpack.text(value) end
  return string.char(first) .. hpack.text(name) .. hpack.text(value)
end

function hpack.literal(name, value) return literal(name, value, 4, 0) end

function hpack.never(name, value) return literal(name, value, 4, 16) end

function hpack.incremental(name, value) return literal(name, value, 6, 64) end

function hpack.indexed(n) return hpack.integer(n, 7, 128) end

function hpack.table_size(n) return hpack.integer(n, 5, 32) end

function hpack.block(fields)
  local list = {}
  for i, field in ipairs(fields) do
    list[i] = type(field) == "string" and field or hpack.literal(field[1], field[2])
  end
  return table.concat(list)
end

local Decoder = {}
Decoder.__index = Decoder

function hpack.decoder()
  local box = ffi.new "void *[1]"
  assert(nghttp2().nghttp2_hd_inflate_new(box) == 0)
  return setmetatable({ inflater = ffi.gc(box[0], nghttp2().nghttp2_hd_inflate_del) }, Decoder)
end

local function collect(list, nv)
  local name = ffi.string(nv[0].name, nv[0].namelen)
  local value = ffi.string(nv[0].value, nv[0].valuelen)
  list[#list + 1] = { name, value }
  list[name] = value
end

function Decoder:decode(block)
  local list, at, length = {}, ffi.cast("const uint8_t *", block), #block
  local nv, flags = ffi.new "hpack_nv[1]", ffi.new "int[1]"
  repeat
    flags[0] = 0
    local used = nghttp2().nghttp2_hd_inflate_hd2(self.inflater, nv, flags, at, length, 1)
    if used < 0 then error("not HPACK: " .. tonumber(used), 2) end
    at, length = at + used, length - tonumber(used)
    if bit.band(flags[0], FLAG_EMIT) ~= 0 then collect(list, nv) end
  until bit.band(flags[0], FLAG_FINAL) ~= 0
  nghttp2().nghttp2_hd_inflate_end_headers(self.inflater)
  return list
end

local Encoder = {}
Encoder.__index = Encoder

function hpack.encoder()
  local box = ffi.new "void *[1]"
  assert(nghttp2().nghttp2_hd_deflate_new(box, 4096) == 0)
  return setmetatable({ deflater = ffi.gc(box[0], nghttp2().nghttp2_hd_deflate_del) }, Encoder)
end

function Encoder:encode(fields)
  local nv, size = ffi.new("hpack_nv[?]", #fields), 64
  for i, field in ipairs(fields) do
    local one = nv[i - 1]
    one.name, one.namelen = ffi.cast("uint8_t *", field[1]), #field[1]
    one.value, one.valuelen = ffi.cast("uint8_t *", field[2]), #field[2]
    size = size + #field[1] + #field[2] + 16
  end
  local buffer = ffi.new("uint8_t[?]", size)
  local n = nghttp2().nghttp2_hd_deflate_hd(self.deflater, buffer, size, nv, #fields)
  assert(n >= 0)
  return ffi.string(buffer, n)
end

return hpack
