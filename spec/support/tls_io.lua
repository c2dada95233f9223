-- TLS over a stream of the specs (support/stream), in this process: a client that reads and writes
-- in pieces of its own, and a server's side for origins. What they say is the stream's own.
--
--   tls_io.client(s, { name = "localhost", alpn = { "h2" }, max = "1.2" })   shakes hands; the
--       stream's readers and senders then go through TLS. Nobody's certificate is verified here.
--   tls_io.server(s, { certificate = path, key = path, alpn = { "h2" } })    the same, accepting;
--       a client without a protocol in common is served without one
--   Both raise when the handshake fails. s.tls = { alpn = name or nil, version = "TLSv1.3" }

local ffi = require "ffi"
local eventually = require "support.eventually"

local DECLARATIONS = [[
typedef struct { int unused; } tls_io_known;
const void *TLS_client_method(void);
const void *TLS_server_method(void);
void *SSL_CTX_new(const void *method);
void SSL_CTX_free(void *ctx);
long SSL_CTX_ctrl(void *ctx, int command, long value, void *p);
int SSL_CTX_use_certificate_chain_file(void *ctx, const char *path);
int SSL_CTX_use_PrivateKey_file(void *ctx, const char *path, int type);
void SSL_CTX_set_alpn_select_cb(void *ctx, int (*choose)(void *ssl, const unsigned char **out,
  unsigned char *length, const unsigned char *in, unsigned in_length, void *arg), void *arg);
int SSL_CTX_set_alpn_protos(void *ctx, const unsigned char *list, unsigned length);
void *SSL_new(void *ctx);
void SSL_free(void *ssl);
int SSL_set_fd(void *ssl, int fd);
long SSL_ctrl(void *ssl, int command, long value, void *p);
int SSL_connect(void *ssl);
int SSL_accept(void *ssl);
int SSL_read(void *ssl, void *buffer, int length);
int SSL_write(void *ssl, const void *buffer, int length);
int SSL_shutdown(void *ssl);
int SSL_get_error(const void *ssl, int result);
const char *SSL_get_version(const void *ssl);
void SSL_get0_alpn_selected(const void *ssl, const unsigned char **data, unsigned *length);
void ERR_clear_error(void);
unsigned long ERR_get_error(void);
void ERR_error_string_n(unsigned long code, char *text, size_t size);
]]
if not pcall(ffi.typeof, "tls_io_known") then ffi.cdef(DECLARATIONS) end

local WANT_READ, WANT_WRITE, SYSCALL, ZERO_RETURN = 2, 3, 5, 6
local CTRL_SET_NAME, CTRL_MODE, CTRL_SET_MAX = 55, 33, 124
local PARTIAL_AND_MOVING = 3
local PEM = 1
local VERSIONS = { ["1.2"] = 0x303, ["1.3"] = 0x304 }
local BLOCK = 65536

local tls_io = {}

local library
local function openssl()
  library = library or ffi.load "libssl.so.3"
  return library
end

local function complaint()
  local text, code = ffi.new "char[256]", openssl().ERR_get_error()
  if code == 0 then return "closed" end
  openssl().ERR_error_string_n(code, text, 256)
  return ffi.string(text)
end

-- Calls fn until it does not want to wait any more → its result, or nil and why.
local function insist(self, fn, ...)
  while true do
    openssl().ERR_clear_error()
    local result = fn(self.ssl, ...)
    if result > 0 then return result end
    local kind = openssl().SSL_get_error(self.ssl, result)
    if kind == ZERO_RETURN then return nil, "closed" end
    if kind ~= WANT_READ and kind ~= WANT_WRITE then
      local why = complaint()
      if kind == SYSCALL and why == "closed" then why = "reset" end
      return nil, why
    end
    local event = kind == WANT_READ and "IN" or "OUT"
    if not self.wait_for(self.fd, event, self.timeout * eventually.slowness) then
      return nil, "timeout"
    end
  end
end
jit.off(insist) -- the choice of ALPN calls back into Lua

local methods = {}

function methods.fill(self)
  if not self.fd then return nil, "closed" end
  local block = ffi.new("char[?]", BLOCK)
  local count, why = insist(self, openssl().SSL_read, block, BLOCK)
  -- An alert, or an end without one, is the end of the connection for a spec that waits for it.
  if not count then return nil, why == "timeout" and why or (why == "reset" and why or "closed") end
  self.buffer = self.buffer .. ffi.string(block, count)
  return true
end

function methods.send(self, bytes)
  local at = 0
  while at < #bytes do
    if not self.fd then return nil, "closed" end
    local rest = ffi.cast("const char *", bytes) + at
    local count, why = insist(self, openssl().SSL_write, rest, math.min(#bytes - at, BLOCK))
    if not count then return nil, why end
    at = at + count
  end
  return true
end

function methods.finish(self) openssl().SSL_shutdown(self.ssl) end

local function protocols(list)
  local bytes = {}
  for i, name in ipairs(list) do bytes[i] = string.char(#name) .. name end
  return table.concat(bytes)
end

local function secure(self, ctx, shake, name)
  self.ssl = ffi.gc(openssl().SSL_new(ctx), openssl().SSL_free)
  openssl().SSL_set_fd(self.ssl, self.fd)
  if name then openssl().SSL_ctrl(self.ssl, CTRL_SET_NAME, 0, ffi.cast("void *", name)) end
  local ok, why = insist(self, shake)
  if not ok then error("TLS handshake: " .. why, 3) end
  local data, length = ffi.new "const unsigned char *[1]", ffi.new "unsigned[1]"
  openssl().SSL_get0_alpn_selected(self.ssl, data, length)
  self.tls = {
    alpn = length[0] > 0 and ffi.string(data[0], length[0]) or nil,
    version = ffi.string(openssl().SSL_get_version(self.ssl)),
  }
  for key, method in pairs(methods) do self[key] = method end
  return self
end

local function context(method)
  local ctx = ffi.gc(openssl().SSL_CTX_new(method), openssl().SSL_CTX_free)
  openssl().SSL_CTX_ctrl(ctx, CTRL_MODE, PARTIAL_AND_MOVING, nil)
  return ctx
end

function tls_io.client(self, options)
  options = options or {}
  local ctx = context(openssl().TLS_client_method())
  if options.max then
    openssl().SSL_CTX_ctrl(ctx, CTRL_SET_MAX, VERSIONS[options.max], nil)
  end
  if options.alpn then
    local list = protocols(options.alpn)
    openssl().SSL_CTX_set_alpn_protos(ctx, list, #list)
  end
  return secure(self, ctx, openssl().SSL_connect, options.name or "localhost")
end

local SELECTED, NOT_SELECTED = 0, 3

local function chooser(ours)
  return function(_, out, length, offered, offered_length)
    local at = 0
    while at < offered_length do
      local name = ffi.string(offered + at + 1, offered[at])
      for _, wanted in ipairs(ours) do
        if wanted == name then
          out[0], length[0] = offered + at + 1, offered[at]
          return SELECTED
        end
      end
      at = at + 1 + offered[at]
    end
    return NOT_SELECTED
  end
end

local contexts = {} -- by certificate and protocols: callbacks of LuaJIT are few

local function server_context(options)
  local key = options.certificate .. table.concat(options.alpn or {}, " ")
  if not contexts[key] then
    local ctx = context(openssl().TLS_server_method())
    assert(openssl().SSL_CTX_use_certificate_chain_file(ctx, options.certificate) == 1)
    assert(openssl().SSL_CTX_use_PrivateKey_file(ctx, options.key, PEM) == 1)
    if options.alpn then
      openssl().SSL_CTX_set_alpn_select_cb(ctx, chooser(options.alpn), nil)
    end
    contexts[key] = ctx
  end
  return contexts[key]
end

function tls_io.server(self, options)
  return secure(self, server_context(options), openssl().SSL_accept)
end

return tls_io
