-- HTTP/1.1, HTTP/2 and gRPC at once, in the clear and over TLS, to backends of HTTP/1.1 and HTTP/2.
-- While workers and backends are killed and the config is reloaded connections may be cut, but no
-- answer is another's, cut short, or changed; when nobody disturbs, all are good, and what neap
-- holds does not grow. $NEAP_SOAK says how many seconds it lasts (6), $NEAP_SOAK_REPORT where its
-- figures go.
local client = require "support.client"
local eventually = require "support.eventually"
local mixed = require "support.mixed"
local neap = require "support.neap"
local pki = require "support.pki"
local process = require "support.process"
local scope = require "support.scope"

local SECONDS = tonumber(os.getenv "NEAP_SOAK") or 6
local REPORT = os.getenv "NEAP_SOAK_REPORT"
local GROWTH_KIB = 8 * 1024

local CONFIG = [[
local tls = { certificate = %q, key = %q }
local function listen()
  return { { address = "127.0.0.1:0", tls = false }, { address = "127.0.0.1:0", tls = true } }
end
return {
  workers = 2,
  services = {
    { listen = listen(), tls = tls, pool = "one" }, { listen = listen(), tls = tls, pool = "two" },
  },
  pools = {
    one = { backends = { %q, %q }, health = { type = "tcp", interval = 0.5, recheck = 0.1 } },
    two = {
      http2 = true, backends = { %q, %q },
      health = { type = "tcp", interval = 0.5, recheck = 0.1 },
    },
  },
}]]

local function start()
  local one, two = mixed.backends()
  local cert = pki.self_signed { names = { "localhost" }, ips = { "127.0.0.1" } }
  local n = neap.start {
    config = CONFIG:format(cert.pem_path, cert.key_path, one[1].url, one[2].url, two[1].url,
      two[2].url),
    allow = { "." },
  }
  return n, { one[1], two[1], one[2], two[2] }
end

-- Of the two services.
local function ports_of(n, protocol)
  local ports = {}
  for i, port in ipairs(n.ports) do
    if n.protocols[i] == protocol then ports[#ports + 1] = port end
  end
  return ports
end

local function speak(n, seconds)
  local clear = ports_of(n, "http")
  assert.equal(2, #clear)
  return mixed.start {
    clear = clear, tls = ports_of(n, "https"), grpc = { clear[2] }, seconds = seconds,
  }
end

local function disturb(n, backends, turn)
  local kind = turn % 4
  if kind == 1 and n:workers()[1] then
    process.signal(n:workers()[1], "KILL")
  elseif kind == 3 then
    backends[math.floor(turn / 4) % #backends + 1]:start_again()
  else
    n:signal "HUP"
  end
end

local function report(format, ...)
  if not REPORT then return end
  scope.write(REPORT, scope.read(REPORT) .. format:format(...) .. "\n")
end

local function report_figures(what, f, seconds)
  report("%s: %d requests in %g s: %d good, %d refused (5xx), %d cut, %d wrong", what, f.asked,
    seconds, f.good, f.refused, f.cut, f.wrong)
end

-- KiB of their own that workers hold, and their descriptors.
local function held(n)
  local kib, files, fds = 0, 0, n:fds()
  for _, pid in ipairs(n:workers()) do
    kib = kib + tonumber(scope.read(("/proc/%d/status"):format(pid)):match "RssAnon:%s+(%d+)" or 0)
    files = files + (fds[pid] or 0)
  end
  return kib, files
end

-- All of them are up again, and the workers of one generation serve.
local function await_calm(n)
  for i = 1, 20 do
    local path = ("/calm-%d/9"):format(i)
    for _, port in ipairs(ports_of(n, "http")) do
      eventually(function()
        local ok, answer = pcall(client.get, port, path)
        return ok and answer.body == mixed.body(path)
      end, 15)
    end
  end
  eventually(function() return #n:workers() == 2 end, 15)
end

local function check(what, figures, seconds)
  report_figures(what, figures, seconds)
  assert.same({}, figures.faults)
  assert.equal(0, figures.wrong)
  assert.same({}, figures.idle)
  assert.is_true(figures.good > 0)
end

describe("Mixed traffic", function()
  it("has no wrong answer under kills and reloads, and no bad one without", function()
    local n, backends = start()
    local half = SECONDS / 2
    local m, ended, turn = speak(n, half), eventually.now() + half, 0
    repeat
      turn = turn + 1
      disturb(n, backends, turn)
      local before = m:turns()
      eventually(function()
        return m:turns() >= before + 30 or eventually.now() >= ended
      end, half + 20)
    until eventually.now() >= ended
    check(("under %d kills and reloads"):format(turn), m:finish(), half)

    await_calm(n)
    m, ended = speak(n, half), eventually.now() + half
    eventually(function() return m:turns() >= 90 or eventually.now() >= ended end, half + 20)
    local kib, files = held(n)
    local figures = m:finish()
    local kib_after, files_after = held(n)
    check("undisturbed", figures, half)
    report("workers held %d KiB and %d descriptors, in the end %d and %d", kib, files, kib_after,
      files_after)
    assert.equal(figures.asked, figures.good)
    if not os.getenv "NEAP_SANITIZED" then assert.is_true(kib_after - kib < GROWTH_KIB) end
  end)
end)
