-- A backend that speaks HTTP/2 by raw frames: an origin (support/origin) whose connections are
-- peers (support/h2_peer).
--
--   h2_server.start{ name =, handler = fn, connection = fn, settings = { { name, value }, … },
--                    tls = { certificate = path, key = path }, alpn = { "h2" }, is_manual =,
--                    keeps_windows =, timeout =, allow_errors = } → o
--       handler(h2, stream) → answer or nothing    once a stream, when its head is there; nothing:
--           it answered itself. An answer is a body, or { status =, headers = { { name, value } },
--           body =, trailers = { { name, value } } }; the request's body is read before.
--           Default: 200 with the name. Handlers of a connection run one after the other.
--       connection(h2)     instead: once a connection, before anything was sent (h2:begin() does)
--   o.url is http:// or https://;  o:connections() and so on as of an origin
--   o:streams() → what came, in order: { connection, stream, fields (list and by name), body
--       (first 64 KiB), length, trailers, ended, reset }
--   h2.conn       the connection of support/origin: h2.conn:wait(seconds), :close(), :reset()
--   h2:whole(stream) → its body, when it has ended; nil, why when it was reset or cut
--   h2:respond(stream, answer)
--   h2:record(stream)        for a `connection` that serves by itself
--   h2:accept() → the next stream whose head has come, or nil, why

local cjson = require "cjson"
local origin = require "support.origin"
local peer = require "support.h2_peer"
local scope = require "support.scope"
local tls_io = require "support.tls_io"
local frames = require "support.h2_frames"

local KEPT_BODY = 65536

local h2_server = {}
local Served = setmetatable({}, { __index = peer.methods })
Served.__index = Served

function Served:accept()
  return self:wait(function()
    local id = table.remove(self.opened, 1)
    return id and self:stream(id)
  end)
end

function Served:whole(stream)
  local ok, why = self:wait(function() return stream.ended or stream.reset end)
  if not ok then return nil, why end
  if stream.reset then return nil, stream.reset end
  return self:body_of(stream.id)
end

function Served:respond(stream, answer)
  if type(answer) == "string" then answer = { body = answer } end
  local fields = { { ":status", tostring(answer.status or 200) } }
  for _, field in ipairs(answer.headers or {}) do table.insert(fields, field) end
  local body, trailers = answer.body or "", answer.trailers
  self:head(stream.id, fields, { end_stream = body == "" and not trailers })
  if body ~= "" then self:send_body(stream.id, body, { end_stream = not trailers }) end
  if trailers then self:head(stream.id, trailers, { end_stream = true }) end
end

function Served:record(stream)
  local file = assert(io.open(self.path, "ab"))
  file:write(cjson.encode {
    connection = self.conn.id, stream = stream.id, fields = { unpack(stream.fields) },
    body = self:body_of(stream.id):sub(1, KEPT_BODY), length = stream.length,
    trailers = stream.trailers and { unpack(stream.trailers) } or nil,
    ended = stream.ended or false, reset = stream.reset,
  }, "\n")
  file:close()
end

local function read_preface(self)
  return self.io:read(#frames.PREFACE) == frames.PREFACE
end

local function serve_stream(self, stream, handler)
  local answer = handler(self, stream)
  if answer then self:whole(stream) end
  self:record(stream) -- whoever has the answer finds it
  if answer and not stream.reset then self:respond(stream, answer) end
end

local function serve(self, handler)
  self:begin()
  if not read_preface(self) then return end
  while true do
    local stream = self:accept()
    if not stream then return end
    serve_stream(self, stream, handler)
  end
end

local function opener(options, path)
  local handler = options.handler or function() return options.name or "origin" end
  return function(conn)
    if options.tls then
      local ok = pcall(tls_io.server, conn, {
        certificate = options.tls.certificate, key = options.tls.key,
        alpn = options.alpn or { "h2" },
      })
      if not ok then return end -- the client did not want it, as some specs try
    end
    local self = peer.new(conn, {
      is_server = true, settings = options.settings, is_manual = options.is_manual,
      keeps_windows = options.keeps_windows,
    }, Served)
    self.conn, self.path, self.tls = conn, path, conn.tls
    if options.connection then return options.connection(self) end
    return serve(self, handler)
  end
end

local function streams(self)
  local list = {}
  for line in scope.read(self.h2_path):gmatch "([^\n]+)\n" do
    local stream = cjson.decode(line)
    for _, field in ipairs(stream.fields) do stream.fields[field[1]] = field[2] end
    for _, field in ipairs(stream.trailers or {}) do stream.trailers[field[1]] = field[2] end
    table.insert(list, stream)
  end
  return list
end

function h2_server.start(options)
  options = options or {}
  local path = scope.directory() .. "/streams"
  local o = origin.start {
    name = options.name, connection = opener(options, path), timeout = options.timeout,
    allow_errors = options.allow_errors, address = options.address,
  }
  o.h2_path, o.streams = path, streams
  if options.tls then o.url = "https://" .. o.address end
  return o
end

return h2_server
