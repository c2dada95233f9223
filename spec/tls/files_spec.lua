local stat = require "posix.sys.stat"
local unistd = require "posix.unistd"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local pki = require "support.pki"
local process = require "support.process"
local s_client = require "support.s_client"
local scope = require "support.scope"

local is_root = unistd.geteuid() == 0

local function mode(path, text) assert(stat.chmod(path, tonumber(text, 8))) end

local function subject(port, name) return (s_client.shown({ port = port }, name)) end

-- A config and files in a folder that anybody may enter; keys are root's alone.
local function written(tls, files, more)
  local dir = scope.directory()
  mode(dir, "755")
  for name, text in pairs(files) do
    local folder = name:match "^(.*)/"
    if folder then
      stat.mkdir(dir .. "/" .. folder)
      mode(dir .. "/" .. folder, "700")
    end
    scope.write(dir .. "/" .. name, text)
    mode(dir .. "/" .. name, "600")
  end
  scope.write(dir .. "/config.lua",
    neap.config({ origin.start {} }, "tls = " .. tls .. (more or "")))
  mode(dir .. "/config.lua", "644")
  return dir
end

local function start(dir, options)
  options = options or {}
  options.config = { path = dir .. "/config.lua" }
  if is_root then options.binary = neap.open_binary() end
  return neap.start(options)
end

describe("files that tls names", function()
  local first, second, third
  setup(function()
    first = pki.self_signed { cn = "first", names = { "first.test" } }
    second = pki.self_signed { cn = "second", names = { "second.test" } }
    third = pki.self_signed { cn = "third", names = { "third.test" } }
  end)

  local function folder()
    return { ["a.pem"] = first.pem, ["a.key"] = first.key,
      ["certs/b.pem"] = second.pem .. second.key, ["certs/c.crt"] = third.pem,
      ["certs/c.key"] = third.key, ["certs/.d.pem"] = "hidden",
      ["certs/readme"] = "nothing" }
  end
  local FOLDER = "{ certificates = { { certificate = 'a.pem', key = 'a.key' }, 'certs/' } }"

  it("may be root's alone while neap runs as another user", function()
    if not is_root then return pending "needs root" end
    local n = start(written(FOLDER, folder(), ", user = 'nobody'"))
    assert.equal("https", n.protocols[1])
    assert.equal("first", subject(n.port, "first.test"))
    assert.equal("second", subject(n.port, "second.test"))
    assert.equal("third", subject(n.port, "third.test"))
  end)

  it("are there for a worker that is started again", function()
    local dir = written(FOLDER, folder())
    local n = start(dir)
    for name in pairs(folder()) do os.remove(dir .. "/" .. name) end
    local pid = n:workers()[1]
    process.signal(pid, "KILL")
    n:allow "worker"
    eventually(function()
      local now = n:workers()[1]
      return now and now ~= pid
    end, 10)
    eventually(function() return s_client.run { port = n.port, name = "third.test" }.ok end, 15)
    assert.equal("third", subject(n.port, "third.test"))
  end)

  it("cannot be read by what the config runs", function()
    if not is_root then return pending "needs root" end
    local dir = written(FOLDER, folder())
    scope.write(dir .. "/config.lua", [[
      local ok, value = pcall(require, "a.key")
      local found = ok and value and "read" or "refused"
      return { listen = "127.0.0.1:0", workers = 1, user = "nobody",
        tls = { certificate = "a.pem", key = "a.key" },
        policy = { request = function()
          return require("neap").reply { status = 200, body = found }
        end } }]])
    local n = start(dir)
    assert.matches("^refused", s_client.run { port = n.port, name = "first.test" }.body)
  end)

  it("are read again by a reload, and nothing changes when a pair does not match", function()
    local dir = written("{ certificate = 'a.pem', key = 'a.key' }",
      { ["a.pem"] = first.pem, ["a.key"] = first.key })
    local n = start(dir)
    assert.equal("first", subject(n.port, "first.test"))
    scope.write(dir .. "/a.pem", second.pem)
    n:allow "does not belong"
    n:allow "reload failed"
    local code, _, stderr = neap.run { "reload", "--pid", n.pid }
    assert.equal(1, code)
    assert.matches("tls%.key: %S*a%.key: the key does not belong to the certificate", stderr)
    assert.equal("first", subject(n.port, "first.test"))
    scope.write(dir .. "/a.key", second.key)
    assert.equal(0, (neap.run { "reload", "--pid", n.pid }))
    eventually(function()
      local r = s_client.run { port = n.port, name = "second.test" }
      return r.ok and r.subject:find "second"
    end, 15)
  end)

  it("of a folder that changed are found by a reload", function()
    local dir = written(FOLDER, folder())
    local n = start(dir)
    assert.equal("first", subject(n.port, "other.test"))
    local other = pki.self_signed { cn = "other", names = { "other.test" } }
    scope.write(dir .. "/certs/z.pem", other.pem .. other.key)
    assert.equal(0, (neap.run { "reload", "--pid", n.pid }))
    eventually(function()
      local r = s_client.run { port = n.port, name = "other.test" }
      return r.ok and r.subject:find "other"
    end, 15)
  end)
end)
