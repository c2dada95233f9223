local https = require "support.https"
local pki = require "support.pki"
local s_client = require "support.s_client"
local scope = require "support.scope"
local session = require "support.tls_session"

local BYTES = "\4\3\15\255\255" -- an INTEGER, DER
local MAX_EARLY_DATA = 0xAF -- its tag in openssl's form of a session: [15]

local function length_of(der, at)
  local first = der:byte(at)
  if first < 128 then return first, at + 1 end
  local n = 0
  for i = 1, first - 128 do n = 256 * n + der:byte(at + i) end
  return n, at + 1 + first - 128
end

local function sequence(inner)
  return ("\48\130%c%c"):format(math.floor(#inner / 256), #inner % 256) .. inner
end

-- A session's fields stand in the order of their tags.
local function with_field(der, tag, value)
  local _, at = length_of(der, 2)
  local from = at
  while at <= #der and der:byte(at) < tag do
    local n, value_at = length_of(der, at + 1)
    at = value_at + n
  end
  return sequence(der:sub(from, at - 1) .. string.char(tag, #value) .. value .. der:sub(at))
end

-- As if our server had said that it takes early data; it never does.
local function with_early_data(path)
  local text = scope.read(path):match "%-\n(.*)\n%-"
  local der = with_field(pki.openssl({ "base64", "-d" }, text .. "\n"), MAX_EARLY_DATA,
    "\2" .. BYTES)
  scope.write(path, "-----BEGIN SSL SESSION PARAMETERS-----\n" .. pki.openssl({ "base64" }, der)
    .. "-----END SSL SESSION PARAMETERS-----\n")
  return path
end

describe("early data", function()
  it("is skipped, and the handshake goes on", function()
    local n, web = https.start {}
    for _, bytes in ipairs { 100, 16000, 100000 } do
      local path = with_early_data(session.make { port = n.port, name = "a.test",
        args = { "-tls1_3" }, path = "/late" })
      local early = scope.directory() .. "/early"
      scope.write(early, "GET /early HTTP/1.1\r\nHost: a.test\r\nX-Filler: " .. ("x"):rep(bytes))
      local is_resumed, r = session.is_resumed(path, { port = n.port, name = "a.test",
        path = "/late", args = { "-tls1_3", "-early_data", early } })
      assert.is_truthy(r.log:find "Early data was rejected", r.log)
      assert.is_true(is_resumed)
      assert.equals(200, r.status, r.log)
    end
    for _, request in ipairs(web:requests()) do assert.equals("/late", request.target) end
    assert.equals(0, n:count_log "handshake with")
  end)

  it("that was skipped has no part in the numbers of the records that follow", function()
    local n, web = https.start({}, [[admin = { listen = "127.0.0.1:0" },]])
    local path = with_early_data(session.make { port = n.port, name = "a.test",
      args = { "-tls1_3" } })
    local early = scope.directory() .. "/early"
    scope.write(early, "GET /early HTTP/1.1\r\nHost: a.test\r\nX-Filler: " .. ("x"):rep(20000))
    local p, send = s_client.talk(n.port, { "-tls1_3 -sess_in", path, "-early_data", early })
    local request = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
    send(request, "HTTP/1.1 200 OK")
    https.wait_light(n, 1)
    send(request, "HTTP/1.1 200 OK")
    send("K\n", "KEYUPDATE")
    send(request, "HTTP/1.1 200 OK")
    assert.is_truthy(p:log():find "Early data was rejected")
    for _, r in ipairs(web:requests()) do assert.equals("/", r.target) end
  end)

  it("without end is not", function()
    local n = https.start {}
    local path = with_early_data(session.make { port = n.port, name = "a.test",
      args = { "-tls1_3" } })
    local early = scope.directory() .. "/early"
    scope.write(early, ("x"):rep(3000000))
    local r = s_client.run { port = n.port, name = "a.test",
      args = { "-tls1_3", "-sess_in", path, "-early_data", early } }
    assert.is_nil(r.status)
    n:wait_log "too much early data"
  end)
end)
